"""Validation of a pod's status, as the kubelet and the scheduler write it."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta.field import Path, forbidden, invalid
from cluster.meta.types import Obj

STATUS = Path("status")


def default_ips(pod: Obj) -> None:
    """podIP is the first of podIPs; either may be given."""
    status = pod.get("status") or {}
    one, many = status.get("podIP"), status.get("podIPs")
    if one and (not many or many[0].get("ip") != one):
        status["podIPs"] = [{"ip": one}]
    elif many and not one:
        status["podIP"] = many[0].get("ip") or ""


def pod_status(new: Obj, old: Obj) -> Faults:
    """Faults of a status that is written over another."""
    now, was = new.get("status") or {}, old.get("status") or {}
    faults: Faults = []
    node = now.get("nominatedNodeName") or ""
    if node and node != was.get("nominatedNodeName"):
        faults += checks.subdomain(STATUS / "nominatedNodeName", node)
        if (new.get("spec") or {}).get("nodeName"):
            why = "may not be set on pods that are already bound to a node"
            faults.append(forbidden(STATUS / "nominatedNodeName", why))
    faults += _generation(STATUS, now)
    if was.get("qosClass") and now.get("qosClass") != was["qosClass"]:
        faults.append(invalid(STATUS / "qosClass", now.get("qosClass"), checks.IMMUTABLE))
    for at, condition in enumerate(now.get("conditions") or ()):
        faults += _generation((STATUS / "conditions")[at], condition)
        faults += checks.qualified((STATUS / "conditions")[at] / "Type", condition.get("type") or "")
    return faults + _addresses(now.get("podIPs") or [])


def _generation(path: Path, holder: dict[str, Any]) -> Faults:
    seen = holder.get("observedGeneration") or 0
    return [] if seen >= 0 else [invalid(path / "observedGeneration", seen, "must be a non-negative integer")]


def _addresses(listed: list[dict[str, Any]]) -> Faults:
    path = STATUS / "podIPs"
    faults: Faults = []
    for at, item in enumerate(listed):
        faults += checks.ip(path[at], item.get("ip") or "")
    if faults:
        return faults
    families = [getattr(checks.address(item.get("ip") or ""), "version", 0) for item in listed]
    if len(set(families)) != len(families):
        shown = [{"IP": item.get("ip") or ""} for item in listed]
        faults.append(invalid(path, shown, "may specify no more than one IP for each IP family"))
    return faults
