"""The audit log: who did what, as audit.k8s.io/v1 events.

A policy decides how much of each request is kept and at which stages it is told; back ends take the events: a file, a
webhook. Bodies are written as they are at the levels Request and RequestResponse, so secrets must be guarded by the
policy, as in Kubernetes.
"""

from cluster.apiserver.audit.options import AuditOptions, LogOptions, WebhookOptions
from cluster.apiserver.audit.policy import Policy

__all__ = ["AuditOptions", "LogOptions", "Policy", "WebhookOptions"]
