"""The steps of a start, by the names that kube-apiserver's health checks have for the same steps.

A step is what this server does itself (the right column); a check holds once that is done and until the task that
keeps it up breaks. So a part that broke is found by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HOOKS: tuple[tuple[str, str], ...] = (
    ("poststarthook/start-apiserver-admission-initializer", "admission"),
    ("poststarthook/generic-apiserver-start-informers", "feed"),
    ("poststarthook/priority-and-fairness-config-consumer", "flow consumer"),
    ("poststarthook/priority-and-fairness-filter", "flow consumer"),
    ("poststarthook/storage-object-count-tracker-hook", "feed"),
    ("poststarthook/start-apiextensions-informers", "feed"),
    ("poststarthook/start-apiextensions-controllers", "custom resources"),
    ("poststarthook/crd-informer-synced", "custom resources"),
    ("poststarthook/start-system-namespaces-controller", "bootstrap"),
    ("poststarthook/peer-endpoint-reconciler-controller", "identity"),
    ("poststarthook/start-cluster-authentication-info-controller", "trust"),
    ("poststarthook/start-kube-apiserver-identity-lease-controller", "identity"),
    ("poststarthook/start-kube-apiserver-identity-lease-garbage-collector", "identity"),
    ("poststarthook/storage-readiness", "feed"),
    ("poststarthook/start-legacy-token-tracking-controller", "bootstrap"),
    ("poststarthook/start-service-ip-repair-controllers", "allocator"),
    ("poststarthook/rbac/bootstrap-roles", "bootstrap"),
    ("poststarthook/scheduling/bootstrap-system-priority-classes", "bootstrap"),
    ("poststarthook/priority-and-fairness-config-producer", "flow producer"),
    ("poststarthook/bootstrap-controller", "bootstrap"),
    ("poststarthook/start-kubernetes-service-cidr-controller", "bootstrap"),
    ("poststarthook/start-kube-aggregator-informers", "feed"),
    ("poststarthook/apiservice-status-local-available-controller", "registration"),
    ("poststarthook/apiservice-status-remote-available-controller", "aggregator"),
    ("poststarthook/apiservice-registration-controller", "aggregator"),
    ("poststarthook/apiservice-wait-for-first-sync", "registration"),
    ("poststarthook/apiservice-discovery-controller", "aggregator"),
    ("poststarthook/kube-apiserver-autoregistration", "registration"),
    ("autoregister-completion", "registration"),
    ("poststarthook/apiservice-openapi-controller", "aggregator"),
    ("poststarthook/apiservice-openapiv3-controller", "aggregator"),
)
"""Name of the check, step of ours."""


class Steps:
    """What has been done, and the tasks that keep it up."""

    def __init__(self) -> None:
        self._done: dict[str, asyncio.Task[None] | None] = {}

    def done(self, step: str, task: asyncio.Task[None] | None = None) -> None:
        self._done[step] = task

    def checks(self) -> dict[str, Callable[[], str]]:
        """By name, in the order in which they are shown."""
        return {name: self._check(step) for name, step in HOOKS}

    def _check(self, step: str) -> Callable[[], str]:
        def holds() -> str:
            if step not in self._done:
                return "not finished"
            return _broken(step, self._done[step])

        return holds


def _broken(step: str, task: asyncio.Task[None] | None) -> str:
    if task is None or not task.done():
        return ""
    if task.cancelled():
        return f"{step} has been ended"
    error = task.exception()
    return f"{step} has failed: {error}" if error is not None else ""
