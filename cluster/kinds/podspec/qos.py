"""The quality-of-service class of a pod, from what its containers ask for and are bounded by."""

from __future__ import annotations

from typing import Any

from cluster.kinds.podspec.defaults import containers_of
from cluster.meta.quantity import Quantity

_COUNTED = ("cpu", "memory")


def qos_class(spec: dict[str, Any]) -> str:
    """Guaranteed, Burstable or BestEffort. Pod-level resources, where given, decide alone."""
    level = spec.get("resources") or {}
    if level.get("limits") or level.get("requests"):
        return _of([level])
    return _of([container.get("resources") or {} for container in containers_of(spec, ephemeral=False)])


def _of(held: list[dict[str, Any]]) -> str:
    requests = [_counted(resources.get("requests")) for resources in held]
    limits = [_counted(resources.get("limits")) for resources in held]
    if not any(requests) and not any(limits):
        return "BestEffort"
    guaranteed = all(
        len(limit) == len(_COUNTED) and limit == request for limit, request in zip(limits, requests, strict=True)
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _counted(quantities: dict[str, Any] | None) -> dict[str, Quantity]:
    found = {name: Quantity.parse(value) for name, value in (quantities or {}).items() if name in _COUNTED}
    return {name: quantity for name, quantity in found.items() if quantity.nanos > 0}
