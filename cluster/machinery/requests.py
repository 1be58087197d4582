"""What a pod asks of a node, in integers: milli-CPU, bytes, counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj

DEFAULT_CPU = 100
DEFAULT_MEMORY = 200 * 1024 * 1024
"""What a container that asks for nothing counts as in scoring, so that such pods spread too."""

Amounts = dict[str, int]
Port = tuple[str, str, int]
"""Address, protocol, number."""


@lru_cache(maxsize=4096)
def amount(resource: str, text: str) -> int:
    """Milli-units of CPU, whole units of everything else."""
    quantity = Quantity.parse(text)
    return quantity.milli_value() if resource == "cpu" else quantity.value()


def amounts(resources: dict[str, Any] | None) -> Amounts:
    return {name: amount(name, str(text)) for name, text in (resources or {}).items()}


def _add(into: Amounts, more: Amounts) -> None:
    for name, value in more.items():
        into[name] = into.get(name, 0) + value


def _raise_to(into: Amounts, least: Amounts) -> None:
    for name, value in least.items():
        if value > into.get(name, 0):
            into[name] = value


def _container(container: dict[str, Any], *, defaults: bool) -> Amounts:
    out = amounts((container.get("resources") or {}).get("requests"))
    if defaults:
        out.setdefault("cpu", DEFAULT_CPU)
        out.setdefault("memory", DEFAULT_MEMORY)
    return out


def pod_requests(pod: Obj, *, defaults: bool = False) -> Amounts:
    """Containers and sidecars together, or the largest init container with the sidecars before it, whichever is
    more; requests of the pod as a whole take their place; overhead comes on top."""
    spec = pod["spec"]
    total: Amounts = {}
    for container in spec.get("containers") or ():
        _add(total, _container(container, defaults=defaults))
    _init(total, spec.get("initContainers") or (), defaults=defaults)
    total.update(amounts((spec.get("resources") or {}).get("requests")))
    _add(total, amounts(spec.get("overhead")))
    return total


def _init(total: Amounts, containers: Iterable[dict[str, Any]], *, defaults: bool) -> None:
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in containers:
        mine = _container(container, defaults=defaults)
        if container.get("restartPolicy") == "Always":
            _add(sidecars, mine)
            _raise_to(peak, sidecars)
        else:
            together = dict(sidecars)
            _add(together, mine)
            _raise_to(peak, together)
    _add(total, sidecars)
    _raise_to(total, peak)


def host_ports(pod: Obj) -> list[Port]:
    """Every port a pod takes of its node."""
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    return [
        (port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", int(port["hostPort"]))
        for container in [*(spec.get("containers") or ()), *sidecars]
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ]


def ports_clash(wanted: Iterable[Port], taken: Iterable[Port]) -> bool:
    """Whether two ask for the same port of a protocol, at the same address or at all of them."""
    taken = [*taken]
    return any(_clash(one, other) for one in wanted for other in taken)


def _clash(one: Port, other: Port) -> bool:
    if one[1:] != other[1:]:
        return False
    return one[0] == other[0] or "0.0.0.0" in {one[0], other[0]}
