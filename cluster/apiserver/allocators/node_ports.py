"""Node ports: which are held, and the ports one write to a Service takes.

A number is held whatever the protocol: only the ports of one Service with the same port number share a node port.
What is taken is given back when the write fails.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from cluster.meta import errors
from cluster.meta.errors import Cause
from cluster.meta.types import Obj

WITH_PORTS = ("NodePort", "LoadBalancer")
_BEFORE_IMAGINED = 32768


class NodePorts:
    """`bounds` are the first and last port."""

    def __init__(self, bounds: tuple[int, int]) -> None:
        self.bounds = bounds
        self.held: set[int] = set()
        self._random = random.Random()

    def load(self, service: Obj) -> None:
        self.held.update(ports_of(service))

    def release(self, ports: Iterable[int]) -> None:
        self.held.difference_update(ports)

    def refusal(self, number: int) -> str:
        """Why a port may not be taken, or nothing."""
        low, high = self.bounds
        if not low <= number <= high:
            return f"provided port is not in the valid range. The range of valid ports is {low}-{high}"
        return TAKEN if number in self.held else ""

    def free(self) -> int:
        low, high = self.bounds
        for _ in range(128):
            number = self._random.randint(low, high)
            if number not in self.held:
                return number
        for number in range(low, high + 1):
            if number not in self.held:
                return number
        raise errors.internal("failed to allocate a nodePort: range is full")


TAKEN = "provided port is already allocated"


class PortsOfOneWrite:
    """What a write takes. A dry run takes nothing: it refuses what is held, and imagines ports above all."""

    def __init__(self, ports: NodePorts, dry_run: bool) -> None:
        self._ports = ports
        self._dry_run = dry_run
        self.taken: list[int] = []

    def undo(self) -> None:
        if not self._dry_run:
            self._ports.release(self.taken)
        self.taken.clear()

    def take(self, number: int) -> str:
        """Take that port; the result says why it may not be had."""
        if not self._dry_run:
            why = self._ports.refusal(number)
        else:
            why = TAKEN if number in self._ports.held or number in self.taken else ""
        if not why:
            self._note(number)
        return why

    def take_any(self) -> int:
        number = max(self.taken, default=_BEFORE_IMAGINED) + 1 if self._dry_run else self._ports.free()
        self._note(number)
        return number

    def _note(self, number: int) -> None:
        self.taken.append(number)
        if not self._dry_run:
            self._ports.held.add(number)


def give_ports(service: Obj, old: Obj | None, write: PortsOfOneWrite) -> None:
    """Give a Service the node ports it lacks, in place. Raises 422, 500."""
    spec = service["spec"]
    if spec.get("type") in WITH_PORTS:
        if old is not None and (old.get("spec") or {}).get("type") in WITH_PORTS:
            _changed(service, set(ports_of(old)), write)
        else:
            _new(service, write)
    if _has_health_port(spec) and not (old is not None and _has_health_port(old.get("spec") or {})):
        _health(spec, write)


def _new(service: Obj, write: PortsOfOneWrite) -> None:
    shared: dict[int, int] = {}
    ports = service["spec"].get("ports") or []
    for at, port in enumerate(ports):
        if not port.get("nodePort") and not _allocates(service["spec"]):
            continue
        known = shared.get(port.get("port") or 0)
        if known is None:
            # A port that is named for one protocol is meant for the others, too.
            wished = next((p["nodePort"] for p in ports if p.get("port") == port.get("port") and p.get("nodePort")), 0)
            if wished:
                _take(service, at, wished, write)
            port["nodePort"] = shared[port.get("port") or 0] = wished or write.take_any()
        elif not port.get("nodePort"):
            port["nodePort"] = known
        elif port["nodePort"] != known:
            _take(service, at, port["nodePort"], write)


def _changed(service: Obj, had: set[int], write: PortsOfOneWrite) -> None:
    for at, port in enumerate(service["spec"].get("ports") or ()):
        number = port.get("nodePort")
        if number and number not in had and number not in write.taken:
            _take(service, at, number, write)
        elif not number and _allocates(service["spec"]):
            port["nodePort"] = write.take_any()


def _take(service: Obj, at: int, number: int, write: PortsOfOneWrite) -> None:
    why = write.take(number)
    if why:
        cause = Cause("FieldValueInvalid", f"Invalid value: {number}: {why}", f"spec.ports[{at}].nodePort")
        raise errors.invalid(("", "Service"), service["metadata"].get("name", ""), [cause])


def _health(spec: Obj, write: PortsOfOneWrite) -> None:
    wished = spec.get("healthCheckNodePort")
    if not wished:
        spec["healthCheckNodePort"] = write.take_any()
    elif why := write.take(wished):
        raise errors.internal(f"failed to allocate requested HealthCheck NodePort {wished}: {why}")


def _allocates(spec: Obj) -> bool:
    return not (spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False)


def _has_health_port(spec: Obj) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def ports_of(service: Obj) -> list[int]:
    """The node ports of a Service, that of the health check among them."""
    spec = service.get("spec") or {}
    out = [port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")]
    return [*out, spec["healthCheckNodePort"]] if spec.get("healthCheckNodePort") else out
