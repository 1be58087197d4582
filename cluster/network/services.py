"""From Services and EndpointSlices to who listens where and hands on to whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.meta.types import Obj
from cluster.network.interface import Address

SERVICE_NAME = "kubernetes.io/service-name"
Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of one Service. `affinity` is the seconds a client sticks to its endpoint, 0 for not at all."""

    listen: tuple[Address, ...]
    endpoints: tuple[Endpoint, ...]
    affinity: float = 0.0


def service_ports(service: Obj, slices: Iterable[Obj], node_addresses: Sequence[str]) -> list[ServicePort]:
    """What a Service asks for; nothing for headless Services and those of type ExternalName."""
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName" or (spec.get("clusterIP") or "None") == "None":
        return []
    slices = [*slices]
    affinity = 0.0
    if spec.get("sessionAffinity") == "ClientIP":
        config = ((spec.get("sessionAffinityConfig") or {}).get("clientIP")) or {}
        affinity = float(config.get("timeoutSeconds") or 10800)
    addresses = [a for a in spec.get("clusterIPs") or [spec["clusterIP"]] if ":" not in a]
    addresses += [a for a in spec.get("externalIPs") or () if ":" not in a]
    return [
        ServicePort(
            _listen(port, addresses, node_addresses), tuple(endpoints(slices, port.get("name") or "")), affinity
        )
        for port in spec.get("ports") or ()
    ]


def _listen(port: Mapping[str, Any], addresses: Sequence[str], node_addresses: Sequence[str]) -> tuple[Address, ...]:
    protocol = port.get("protocol") or "TCP"
    out = [Address(ip, port["port"], protocol) for ip in addresses]
    if port.get("nodePort"):
        out += [Address(ip, port["nodePort"], protocol) for ip in node_addresses]
    return tuple(out)


def endpoints(slices: Iterable[Obj], port_name: str) -> list[Endpoint]:
    """Ready endpoints of a port; where there are none, those that still serve while they end."""
    ready: dict[Endpoint, None] = {}
    serving: dict[Endpoint, None] = {}
    for each in slices:
        number = next((p.get("port") for p in each.get("ports") or () if (p.get("name") or "") == port_name), None)
        if number is None:
            continue
        for endpoint in each.get("endpoints") or ():
            conditions = endpoint.get("conditions") or {}
            addresses = endpoint.get("addresses") or ()
            if not addresses:
                continue
            if conditions.get("ready") is not False:
                ready[(addresses[0], number)] = None
            elif conditions.get("serving") and conditions.get("terminating"):
                serving[(addresses[0], number)] = None
    return [*(ready or serving)]
