"""What a custom resource's scale subresource points to: numbers of replicas, and a selector in a text."""

from __future__ import annotations

from typing import Any

from cluster.kinds.checks import Faults
from cluster.meta.field import invalid
from cluster.meta.gojson import go_type, sprint
from cluster.meta.types import Obj

_MOST = 2**31 - 1


def spec_faults(obj: Obj, scale: dict[str, Any] | None) -> Faults:
    return _replicas(obj, scale["specReplicasPath"]) if scale else []


def status_faults(obj: Obj, scale: dict[str, Any] | None) -> Faults:
    if not scale:
        return []
    faults = _replicas(obj, scale["statusReplicasPath"])
    path = scale.get("labelSelectorPath")
    if not path:
        return faults
    value, why = _at(obj, path)
    if why or not isinstance(value, str | None):
        faults.append(invalid(path, "", why or _accessor(path, value, "string")))
    return faults


def _replicas(obj: Obj, path: str) -> Faults:
    value, why = _at(obj, path)
    if value is not None and not why and (isinstance(value, bool) or not isinstance(value, int)):
        why = _accessor(path, value, "int64")
    if why:
        return [invalid(path, 0, why)]
    if value is not None and value < 0:
        return [invalid(path, value, "should be a non-negative integer")]
    if value is not None and value > _MOST:
        return [invalid(path, value, f"should be less than or equal to {_MOST}")]
    return []


def _at(obj: Obj, path: str) -> tuple[Any, str]:
    """The value at a path, None where there is none; and why it cannot be reached."""
    here: Any = obj
    steps = path.removeprefix(".").split(".")
    for at, step in enumerate(steps):
        if not isinstance(here, dict):
            return None, _accessor(f".{'.'.join(steps[: at + 1])}", here, "map[string]interface{}")
        if step not in here:
            return None, ""
        here = here[step]
    return here, _accessor(path, None, "int64") if here is None else ""


def _accessor(path: str, value: Any, wanted: str) -> str:
    shown = "<nil>" if value is None else sprint(value)
    return f"{path} accessor error: {shown} is of the type {go_type(value)}, expected {wanted}"
