"""Endpoints: the addresses behind a Service in their older form, repacked so that equal sets look equal."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.subsets import repacked
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import network
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.Endpoints"
DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


def _default(endpoints: Obj) -> None:
    for subset in endpoints.get("subsets") or ():
        for port in subset.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _canonical(endpoints: Obj) -> None:
    if endpoints.get("subsets"):
        endpoints["subsets"] = repacked(endpoints["subsets"])


def validate(endpoints: Obj) -> Faults:
    faults: Faults = []
    for at, subset in enumerate(endpoints.get("subsets") or ()):
        faults += _subset(Path("subsets")[at], subset)
    return faults


def _subset(path: Path, subset: dict[str, Any]) -> Faults:
    faults: Faults = []
    if not subset.get("addresses") and not subset.get("notReadyAddresses"):
        faults.append(required(path, "must specify `addresses` or `notReadyAddresses`"))
    for name in ("addresses", "notReadyAddresses"):
        for at, address in enumerate(subset.get(name) or ()):
            faults += _address((path / name)[at], address)
    ports = subset.get("ports") or []
    for at, port in enumerate(ports):
        faults += _port((path / "ports")[at], port, len(ports) > 1)
    return faults


def _address(path: Path, address: dict[str, Any]) -> Faults:
    text = address.get("ip") or ""
    faults = checks.legacy_ip(path / "ip", text)
    faults += checks.endpoint_ip(path / "ip", text)
    if address.get("hostname"):
        faults += checks.label(path / "hostname", address["hostname"])
    if address.get("nodeName") is not None:
        faults += checks.subdomain(path / "nodeName", address["nodeName"])
    return faults


def _port(path: Path, port: dict[str, Any], named: bool) -> Faults:
    name = port.get("name") or ""
    faults: Faults = [required(path / "name")] if named and not name else []
    if name:
        faults += checks.label(path / "name", name)
    faults += checks.port(path / "port", port.get("port") or 0)
    faults += checks.one_of(path / "protocol", port.get("protocol") or "", ("SCTP", "TCP", "UDP"))
    if port.get("appProtocol") is not None:
        faults += checks.qualified(path / "appProtocol", port["appProtocol"])
    return faults


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


def _warnings(new: Obj, _old: Obj | None) -> list[str]:
    out = []
    for at, subset in enumerate(new.get("subsets") or ()):
        for name in ("addresses", "notReadyAddresses"):
            for index, address in enumerate(subset.get(name) or ()):
                here = (Path("subsets")[at] / name)[index] / "ip"
                out += checks.ip_warnings(here, address.get("ip") or "")
    return out


_WRITES = Strategy(
    default=defaulting(DEFINITION, _default),
    validate=validate,
    validate_update=validate_update,
    canonicalize=_canonical,
    warnings=_warnings,
    create_on_update=True,
)


KIND = Kind(
    group="",
    version="v1",
    kind="Endpoints",
    plural="endpoints",
    singular="endpoints",
    namespaced=True,
    short_names=("ep",),
    definition="io.k8s.api.core.v1.Endpoints",
    table=table("", "endpoints", network.endpoints),
    strategy=_WRITES,
    deprecated=DEPRECATED,
)
