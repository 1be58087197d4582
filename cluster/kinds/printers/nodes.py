"""Cells of nodes: readiness, roles from labels, addresses and versions the kubelet reports."""

from __future__ import annotations

from cluster.kinds.kind import Cell
from cluster.kinds.printers.text import NONE, UNKNOWN, age, name
from cluster.meta.types import Obj

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE = "kubernetes.io/role"


def node(obj: Obj, now: float) -> list[Cell]:
    status = obj.get("status") or {}
    info = status.get("nodeInfo") or {}
    return [
        name(obj),
        _state(obj),
        ",".join(_roles(obj)) or NONE,
        age(obj, now),
        info.get("kubeletVersion") or "",
        _address(obj, "InternalIP"),
        _address(obj, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        _kernel(info.get("kernelVersion") or "", info.get("architecture") or ""),
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _kernel(version: str, architecture: str) -> str:
    if not version:
        return UNKNOWN
    return f"{version} ({architecture})" if architecture else version


def _state(obj: Obj) -> str:
    conditions = {c.get("type"): c.get("status") for c in (obj.get("status") or {}).get("conditions") or ()}
    states = []
    if "Ready" in conditions:
        states.append("Ready" if conditions["Ready"] == "True" else "NotReady")
    if not states:
        states.append("Unknown")
    if (obj.get("spec") or {}).get("unschedulable"):
        states.append("SchedulingDisabled")
    return ",".join(states)


def _roles(obj: Obj) -> list[str]:
    roles = set()
    for key, value in ((obj.get("metadata") or {}).get("labels") or {}).items():
        if key.startswith(_ROLE_PREFIX):
            roles.add(key.removeprefix(_ROLE_PREFIX))
        elif key == _ROLE and value:
            roles.add(value)
    return sorted(role for role in roles if role)


def _address(obj: Obj, kind: str) -> str:
    for address in (obj.get("status") or {}).get("addresses") or ():
        if address.get("type") == kind:
            return address.get("address") or NONE
    return NONE
