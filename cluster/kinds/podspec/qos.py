"""The quality-of-service class of a pod, from what its containers ask for and are bounded by."""

from __future__ import annotations

from typing import Any

from cluster.kinds.podspec.defaults import containers_of
from cluster.meta.quantity import Quantity

_COUNTED = ("cpu", "memory")


def qos_class(spec: dict[str, Any]) -> str:
    """Guaranteed, Burstable or BestEffort. Pod-level resources, where given, decide alone."""
    level = spec.get("resources")
    if level is not None:
        return _of([level])
    return _of([container.get("resources") or {} for container in containers_of(spec, ephemeral=False)])


def _of(held: list[dict[str, Any]]) -> str:
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    bounded = True
    for resources in held:
        _count(resources.get("requests"), requests)
        bounded &= _count(resources.get("limits"), limits) == len(_COUNTED)
    if not requests and not limits:
        return "BestEffort"
    return "Guaranteed" if bounded and limits == requests else "Burstable"


def _count(quantities: dict[str, Any] | None, total: dict[str, Quantity]) -> int:
    """Add the amounts that are more than nothing, and say how many there are."""
    found = {name: Quantity.parse(value) for name, value in (quantities or {}).items() if name in _COUNTED}
    counted = {name: quantity for name, quantity in found.items() if quantity.nanos > 0}
    for name, quantity in counted.items():
        total[name] = total[name] + quantity if name in total else quantity
    return len(counted)
