"""Where a Service that extends the API (an aggregated server, a webhook) is reached: one of its ready endpoints.

Found in the objects this server holds, as kube-apiserver does with --enable-aggregator-routing; names of Services are
never asked of a DNS server. A Service of type ExternalName leads to its name. The texts are kube-apiserver's.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from cluster.apiserver.admission.interface import Objects
from cluster.meta.types import GroupResource, Obj

SERVICES = GroupResource("", "services")
SLICES = GroupResource("discovery.k8s.io", "endpointslices")
SERVICE_NAME = "kubernetes.io/service-name"


class Unresolved(Exception):
    """The Service leads nowhere; the text says why."""


def resolve(objects: Objects, namespace: str, name: str, port: int) -> tuple[str, int]:
    """Address and port behind port `port` of a Service. Raises Unresolved."""
    service = objects.get(SERVICES, namespace, name)
    if service is None:
        raise Unresolved(f'service "{name}" not found')
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName")), port
    wanted = port_name(service, port)
    if wanted is None:
        raise Unresolved(f'no service port {port} found for service "{name}"')
    for piece in _in_order(slices_of(objects, namespace, name), spec.get("ipFamilies") or ()):
        behind = next((p["port"] for p in piece.get("ports") or () if named(p) == wanted and p.get("port")), None)
        ready = [end for end in piece.get("endpoints") or () if is_ready(end)]
        if behind is not None and ready:
            return str(random.choice(ready)["addresses"][0]), int(behind)
    raise Unresolved(f'no endpoints available for service "{name}"')


def port_name(service: Obj, port: int) -> str | None:
    """The name (perhaps empty) of a Service's port; None where it has no such port."""
    ports = (service.get("spec") or {}).get("ports") or ()
    return next((named(p) for p in ports if p.get("port") == port), None)


def slices_of(objects: Objects, namespace: str, name: str) -> list[Obj]:
    """The EndpointSlices of a Service."""
    found = objects.all(SLICES, namespace)
    return [s for s in found if (s["metadata"].get("labels") or {}).get(SERVICE_NAME) == name]


def is_ready(endpoint: Obj) -> bool:
    """An endpoint that says nothing is ready."""
    return (endpoint.get("conditions") or {}).get("ready") is not False


def named(port: Obj) -> str:
    return port.get("name") or ""


def _in_order(slices: list[Obj], families: Iterable[str]) -> list[Obj]:
    """By chance, those of the Service's first address family first."""
    first = next(iter(families), "")
    random.shuffle(slices)
    return sorted(slices, key=lambda piece: piece.get("addressType") != first)
