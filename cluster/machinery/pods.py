"""What several components ask of a pod; pure."""

from __future__ import annotations

from typing import Any

from cluster.machinery.clock import parse_time
from cluster.meta.types import Obj


def phase(pod: Obj) -> str:
    return (pod.get("status") or {}).get("phase") or ""


def terminal(pod: Obj) -> bool:
    return phase(pod) in {"Succeeded", "Failed"}


def terminating(pod: Obj) -> bool:
    """Deleted, still there, and not finished by itself."""
    return not terminal(pod) and bool(pod["metadata"].get("deletionTimestamp"))


def active(pod: Obj) -> bool:
    return not terminal(pod) and not pod["metadata"].get("deletionTimestamp")


def condition(obj: Obj, type_: str) -> dict[str, Any] | None:
    """A condition of any object's status, by type."""
    for found in (obj.get("status") or {}).get("conditions") or ():
        if found.get("type") == type_:
            return found  # type: ignore[no-any-return]
    return None


def ready(pod: Obj) -> bool:
    found = condition(pod, "Ready")
    return found is not None and found.get("status") == "True"


def ready_since(pod: Obj) -> float:
    """Unix seconds of becoming ready; 0.0 when it is not."""
    found = condition(pod, "Ready")
    if found is None or found.get("status") != "True":
        return 0.0
    return parse_time(found.get("lastTransitionTime"))


def available(pod: Obj, min_ready_seconds: int, now: float) -> bool:
    if not ready(pod):
        return False
    return not min_ready_seconds or 0 < ready_since(pod) + min_ready_seconds <= now


def available_in(pod: Obj, min_ready_seconds: int, now: float) -> float | None:
    """Seconds until a ready pod counts as available; None when it is not ready, or is already."""
    since = ready_since(pod)
    if not since or not min_ready_seconds:
        return None
    left = since + min_ready_seconds - now
    return left if left > 0 else None


def node_name(pod: Obj) -> str:
    return (pod.get("spec") or {}).get("nodeName") or ""


def priority(pod: Obj) -> int:
    return (pod.get("spec") or {}).get("priority") or 0


def restarts(pod: Obj) -> int:
    """The highest restart count of its containers."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return max((status.get("restartCount") or 0 for status in statuses), default=0)
