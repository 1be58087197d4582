"""Validation of the counts in the status of ReplicaSets and ReplicationControllers."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta.field import Path, invalid
from cluster.meta.types import Obj

_COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration")


def replica_status(new: Obj, _old: Obj) -> Faults:
    """No count is negative, and none exceeds the one it is part of."""
    held, path = new.get("status") or {}, Path("status")
    faults: Faults = []
    for name in _COUNTS:
        faults += checks.nonnegative(path / name, held.get(name))
    for name in ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"):
        if (held.get(name) or 0) > (held.get("replicas") or 0):
            faults.append(invalid(path / name, held[name], "cannot be greater than status.replicas"))
    if (held.get("availableReplicas") or 0) > (held.get("readyReplicas") or 0):
        faults.append(
            invalid(path / "availableReplicas", held["availableReplicas"], "cannot be greater than readyReplicas")
        )
    return faults
