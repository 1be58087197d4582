"""EndpointSlice: some of the endpoints of a Service."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import network
from cluster.kinds.strategy import counting
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import Path, duplicate, invalid, required, too_many
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.discovery.v1.EndpointSlice"
MOST_ENDPOINTS, MOST_PORTS, MOST_ADDRESSES = 1000, 20000, 100
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")


def _default(obj: Obj) -> None:
    for port in obj.get("ports") or ():
        if port.get("name") is None:
            port["name"] = ""
        port.setdefault("protocol", "TCP")


def validate(obj: Obj) -> Faults:
    kind = obj.get("addressType") or ""
    faults: Faults = (
        checks.one_of(Path("addressType"), kind, ADDRESS_TYPES) if kind else [required(Path("addressType"))]
    )
    return faults + _content(obj, kind)


def _content(obj: Obj, kind: str) -> Faults:
    endpoints = obj.get("endpoints") or []
    if len(endpoints) > MOST_ENDPOINTS:
        return [too_many(Path("endpoints"), MOST_ENDPOINTS)]
    faults: Faults = []
    for at, endpoint in enumerate(endpoints):
        faults += _endpoint(Path("endpoints")[at], endpoint, kind)
    return faults + _ports(obj.get("ports") or [])


def _endpoint(path: Path, endpoint: dict[str, Any], kind: str) -> Faults:
    addresses = endpoint.get("addresses") or []
    faults: Faults = []
    if not addresses:
        faults.append(required(path / "addresses", "must contain at least 1 address"))
    elif len(addresses) > MOST_ADDRESSES:
        faults.append(too_many(path / "addresses", MOST_ADDRESSES))
    for at, text in enumerate(addresses):
        here = (path / "addresses")[at]
        if kind == "FQDN":
            faults += _domain(here, text)
        elif kind in ("IPv4", "IPv6"):
            spelled = checks.legacy_ip(here, text) if kind == "IPv4" else checks.canonical_ip(here, text)
            faults += spelled or _family(path / "addresses", text, kind) + checks.endpoint_ip(here, text)
    if endpoint.get("nodeName") is not None:
        faults += checks.subdomain(path / "nodeName", endpoint["nodeName"])
    faults += checks.labels(path / "deprecatedTopology", endpoint.get("deprecatedTopology"))
    if endpoint.get("hostname") is not None:
        faults += checks.label(path / "hostname", endpoint["hostname"])
    return faults + _hints(path / "hints", endpoint.get("hints") or {})


def _domain(path: Path, text: str) -> Faults:
    if not text:
        return [required(path)]
    plain = text.removesuffix(".")
    complaints = names.dns1123_subdomain(plain)
    if complaints:
        return [invalid(path, plain, ",".join(complaints))]
    parts = plain.split(".")
    if len(parts) < 2:
        return [invalid(path, plain, "should be a domain with at least two segments separated by dots")]
    wrong = [(part, names.dns1123_label(part)) for part in parts]
    return [invalid(path, part, ",".join(complaints)) for part, complaints in wrong if complaints][:1]


MOST_HINTS = 8


def _hints(path: Path, hints: dict[str, Any]) -> Faults:
    """The zones and nodes that should use an endpoint."""
    faults: Faults = []
    for field, rule in (("forZones", names.label_value), ("forNodes", names.dns1123_subdomain)):
        held = hints.get(field) or []
        if len(held) > MOST_HINTS:
            return [*faults, too_many(path / field, MOST_HINTS, len(held))]
        seen: set[str] = set()
        for at, hint in enumerate(held):
            here, name = (path / field)[at] / "name", hint.get("name") or ""
            if name in seen:
                faults.append(duplicate(here, name))
            seen.add(name)
            faults += checks.by_rule(here, name, rule)
    return faults


def _family(path: Path, text: str, kind: str) -> Faults:
    found = checks.address(text)
    if found is not None and f"IPv{found.version}" == kind:
        return []
    return [invalid(path, text, f"must be an {kind} address")]


def _ports(ports: list[dict[str, Any]]) -> Faults:
    if len(ports) > MOST_PORTS:
        return [too_many(Path("ports"), MOST_PORTS)]
    faults: Faults = []
    seen: set[str] = set()
    for at, port in enumerate(ports):
        here, name = Path("ports")[at], port.get("name") or ""
        if name:
            faults += checks.label(here / "name", name)
        if name in seen:
            faults.append(duplicate(here / "name", name))
        seen.add(name)
        protocol = port.get("protocol") or ""
        faults += checks.one_of(here / "protocol", protocol, ("SCTP", "TCP", "UDP"))
        if port.get("appProtocol") is not None:
            faults += checks.qualified(here / "appProtocol", port["appProtocol"])
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    kind = new.get("addressType") or ""
    faults = _content(new, kind) if kind == old.get("addressType") else []
    return faults + checks.immutable(Path("addressType"), kind, old.get("addressType"))


def _warnings(new: Obj, old: Obj | None) -> list[str]:
    out = (
        ["spec.addressType: FQDN endpoints are deprecated"] if old is None and new.get("addressType") == "FQDN" else []
    )
    for at, endpoint in enumerate(new.get("endpoints") or ()):
        for index, text in enumerate(endpoint.get("addresses") or ()):
            out += checks.ip_warnings((Path("endpoints")[at] / "addresses")[index], text)
    return out


def _drop_topology(obj: Obj) -> None:
    """What this version only shows cannot be written through it."""
    for endpoint in obj.get("endpoints") or ():
        endpoint.pop("deprecatedTopology", None)


def _prepare_update(new: Obj, old: Obj) -> None:
    kept = [
        endpoint["deprecatedTopology"] for endpoint in old.get("endpoints") or () if "deprecatedTopology" in endpoint
    ]
    for endpoint in new.get("endpoints") or ():
        if endpoint.get("deprecatedTopology") not in kept:
            endpoint.pop("deprecatedTopology", None)


_WRITES = Strategy(
    update_metadata="whole",
    default=defaulting(DEFINITION, _default),
    prepare_create=_drop_topology,
    prepare_update=_prepare_update,
    validate=validate,
    validate_update=validate_update,
    warnings=_warnings,
    generation=True,
    generation_of=counting("labels"),
)


KIND = Kind(
    group="discovery.k8s.io",
    version="v1",
    kind="EndpointSlice",
    plural="endpointslices",
    singular="endpointslice",
    namespaced=True,
    definition="io.k8s.api.discovery.v1.EndpointSlice",
    table=table("discovery.k8s.io", "endpointslices", network.endpoint_slice),
    strategy=_WRITES,
)
