"""Which resources a quota or a limit may speak of."""

from __future__ import annotations

STANDARD_QUOTA = frozenset(
    (
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods",
        "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps",
        "services.nodeports", "services.loadbalancers",
    )
)  # fmt: skip
STANDARD = STANDARD_QUOTA | {"storage"}
POD_SCOPED = frozenset(
    (
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
        "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods",
    )
)  # fmt: skip
OBJECT_COUNTS = frozenset(
    (
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    )
)  # fmt: skip


def is_standard_quota(name: str) -> bool:
    return name in STANDARD_QUOTA or name.startswith(("requests.hugepages-", "hugepages-"))


def is_standard(name: str) -> bool:
    return name in STANDARD or name.startswith(("requests.hugepages-", "hugepages-"))
