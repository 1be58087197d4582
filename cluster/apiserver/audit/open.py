"""From options to a running audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.apiserver.audit.options import AuditOptions
from cluster.apiserver.audit.policy import Policy
from cluster.apiserver.audit.trail import AuditTrail, Backend

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock


def opened(options: AuditOptions, clock: Clock) -> AuditTrail:
    """Raises ValueError for a policy or kubeconfig that says nothing, OSError for files that cannot be used."""
    policy = Policy(options.policy)
    backends: list[Backend] = []
    if options.log is not None:
        from cluster.apiserver.audit.file import Log

        backends.append(Log(options.log, clock))
    if options.webhook is not None:
        from cluster.apiserver.audit.webhook import Webhook

        backends.append(Webhook(options.webhook, clock))
    return AuditTrail(policy, backends, clock)
