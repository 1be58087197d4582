"""Validation of Services, and of what an update may do to their addresses."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec.probes import port_or_name
from cluster.kinds.strategy import spec as spec_of
from cluster.meta.field import Path, duplicate, forbidden, invalid, required
from cluster.meta.types import Obj

Spec = dict[str, Any]
SPEC = Path("spec")
HEADLESS = "None"
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
LONGEST_AFFINITY = 86400
_MODE = "service.kubernetes.io/topology-mode"
_HINTS = "service.kubernetes.io/topology-aware-hints"


def is_headless(spec: Spec) -> bool:
    return spec.get("clusterIP") == HEADLESS or (spec.get("clusterIPs") or [""])[0] == HEADLESS


def externally_accessible(spec: Spec) -> bool:
    return spec.get("type") in ("LoadBalancer", "NodePort") or (
        spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs"))
    )


def needs_health_port(spec: Spec) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def validate(service: Obj, old: Obj | None = None) -> Faults:
    """`old` is what an update replaces: its addresses may stay as they were once spelled."""
    spec, was = spec_of(service), spec_of(old or {})
    ports = spec.get("ports") or []
    faults = _topology(service)
    if not ports and not is_headless(spec) and spec.get("type") != "ExternalName":
        faults.append(required(SPEC / "ports"))
    faults += _by_type(spec)
    faults += _ports(ports, len(ports) > 1)
    faults += checks.labels(SPEC / "selector", spec.get("selector"))
    faults += _affinity(spec)
    faults += address_faults(spec, was)
    for at, address in enumerate(spec.get("externalIPs") or ()):
        here = (SPEC / "externalIPs")[at]
        check = checks.ip if address in (was.get("externalIPs") or ()) else checks.legacy_ip
        faults += check(here, address) or checks.endpoint_ip(here, address)
    kind = spec.get("type") or ""
    faults += checks.one_of(SPEC / "type", kind, TYPES) if kind else [required(SPEC / "type")]
    faults += _node_ports(spec, ports)
    faults += _twice(ports)
    return faults + _traffic(spec) + _balancer(spec, was)


def _topology(service: Obj) -> Faults:
    """The old and the new name of one annotation say the same."""
    said = (service.get("metadata") or {}).get("annotations") or {}
    mode, hints = said.get(_MODE), said.get(_HINTS)
    if mode is None or hints is None or mode == hints:
        return []
    why = f"must match annotations[{_HINTS}] when both are specified"
    return [invalid((Path("metadata") / "annotations")[_MODE], mode, why)]


def _by_type(spec: Spec) -> Faults:
    kind = spec.get("type")
    if kind in ("LoadBalancer", "NodePort") and is_headless(spec):
        why = f"may not be set to 'None' for {kind} services"
        return [invalid((SPEC / "clusterIPs")[0], HEADLESS, why)]
    if kind != "ExternalName":
        return []
    why = "may not be set for ExternalName services"
    faults = [forbidden(SPEC / name, why) for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy") if spec.get(name)]
    name = (spec.get("externalName") or "").removesuffix(".")
    return faults + (checks.subdomain(SPEC / "externalName", name) if name else [required(SPEC / "externalName")])


def _ports(ports: list[dict[str, Any]], named: bool) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, port in enumerate(ports):
        here, name = (SPEC / "ports")[at], port.get("name") or ""
        if named and not name:
            faults.append(required(here / "name"))
        elif name:
            faults += checks.label(here / "name", name)
            if name in seen:
                faults.append(duplicate(here / "name", name))
            seen.add(name)
        faults += checks.port(here / "port", port.get("port") or 0)
        protocol = port.get("protocol") or ""
        faults += (
            checks.one_of(here / "protocol", protocol, ("SCTP", "TCP", "UDP"))
            if protocol
            else [required(here / "protocol")]
        )
        faults += port_or_name(here / "targetPort", port.get("targetPort"))
        if port.get("appProtocol") is not None:
            faults += checks.qualified(here / "appProtocol", port["appProtocol"])
    return faults


def _affinity(spec: Spec) -> Faults:
    kind, config = spec.get("sessionAffinity") or "", spec.get("sessionAffinityConfig")
    if not kind:
        return [required(SPEC / "sessionAffinity")]
    faults = checks.one_of(SPEC / "sessionAffinity", kind, ("ClientIP", "None"))
    path = SPEC / "sessionAffinityConfig"
    if kind == "ClientIP":
        return faults + _client_ip(path / "clientIP", (config or {}).get("clientIP"))
    if kind == "None" and config is not None:
        faults.append(forbidden(path, "must not be set when session affinity is None"))
    return faults


def _client_ip(path: Path, config: dict[str, Any] | None) -> Faults:
    seconds = (config or {}).get("timeoutSeconds")
    if seconds is None:
        return [required(path / "timeoutSeconds", "when session affinity type is ClientIP")]
    if 0 < seconds <= LONGEST_AFFINITY:
        return []
    return [invalid(path / "timeoutSeconds", seconds, f"must be greater than 0 and less than {LONGEST_AFFINITY}")]


def address_faults(spec: Spec, was: Spec) -> Faults:
    """clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy against each other; `was` is {} for a new Service."""
    if spec.get("type") == "ExternalName":
        return []
    path = SPEC / "clusterIPs"
    one, many = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    faults: Faults = []
    if one and not many:
        faults.append(required(path))
    elif many and not one:
        faults.append(invalid(path, many, "must be empty when `clusterIP` is not specified"))
    elif many and many[0] != one:
        faults.append(invalid(path, many, "first value must match `clusterIP`"))
    families = spec.get("ipFamilies") or []
    for at, family in enumerate(families):
        faults += checks.one_of((SPEC / "ipFamilies")[at], family, ("IPv4", "IPv6"))
    faults += checks.duplicates(SPEC / "ipFamilies", families)
    if (policy := spec.get("ipFamilyPolicy")) is not None:
        faults += checks.one_of(SPEC / "ipFamilyPolicy", policy, ("PreferDualStack", "RequireDualStack", "SingleStack"))
    bad = _each_address(path, many, was.get("clusterIPs") or [])
    if len(many) > 2:
        faults += [*bad, invalid(path, many, "may only hold up to 2 values")]
    else:
        faults += bad
    return faults if bad else faults + _families(path, many, families)


def _each_address(path: Path, addresses: list[str], known: list[str]) -> Faults:
    """`known` were there before the update and may keep their spelling."""
    faults: Faults = []
    for at, text in enumerate(addresses):
        if text == HEADLESS and not at:
            if len(addresses) > 1:
                faults.append(invalid(path, addresses, "'None' must be the first and only value"))
            continue
        faults += checks.ip(path[at], text) if text in known else checks.legacy_ip(path[at], text)
    return faults


def _families(path: Path, addresses: list[str], families: list[str]) -> Faults:
    """One address of each family at most, each of the family named at its place."""
    if addresses[:1] == [HEADLESS]:
        return []
    versions = [f"IPv{getattr(checks.address(text), 'version', 4)}" for text in addresses]
    faults: Faults = []
    if len(addresses) > 1 and sorted(versions) != ["IPv4", "IPv6"]:
        faults.append(invalid(path, addresses, "may specify no more than one IP for each IP family"))
    for at, (family, version) in enumerate(zip(families, versions, strict=False)):
        if family in ("IPv4", "IPv6") and family != version:
            why = f"expected an {family} value as indicated by `ipFamilies[{at}]`"
            faults.append(invalid(path[at], addresses[at], why))
    return faults


def _node_ports(spec: Spec, ports: list[dict[str, Any]]) -> Faults:
    if spec.get("type") != "ClusterIP":
        return []
    return [
        forbidden((SPEC / "ports")[at] / "nodePort", "may not be used when `type` is 'ClusterIP'")
        for at, port in enumerate(ports)
        if port.get("nodePort")
    ]


def _twice(ports: list[dict[str, Any]]) -> Faults:
    """The same port of the same protocol; shown as the structure the API compares."""
    faults: Faults = []
    seen: set[tuple[str, int]] = set()
    for at, port in enumerate(ports):
        protocol, number = port.get("protocol") or "", port.get("port") or 0
        here = (SPEC / "ports")[at]
        if (protocol, number) in seen:
            faults.append(duplicate(here, _key(protocol, number)))
        seen.add((protocol, number))
    return faults


def _key(protocol: str, port: int) -> dict[str, Any]:
    return {"Name": "", "Protocol": protocol, "AppProtocol": None, "Port": port, "TargetPort": 0, "NodePort": 0}


def _traffic(spec: Spec) -> Faults:
    faults: Faults = []
    external = spec.get("externalTrafficPolicy") or ""
    if not externally_accessible(spec):
        if external:
            why = "may only be set for externally-accessible services"
            faults.append(invalid(SPEC / "externalTrafficPolicy", external, why))
    elif not external:
        faults.append(required(SPEC / "externalTrafficPolicy"))
    else:
        faults += checks.one_of(SPEC / "externalTrafficPolicy", external, ("Cluster", "Local"))
    faults += _health_port(spec)
    internal = spec.get("internalTrafficPolicy")
    if internal is not None:
        faults += checks.one_of(SPEC / "internalTrafficPolicy", internal, ("Cluster", "Local"))
    elif spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer"):
        faults.append(required(SPEC / "internalTrafficPolicy"))
    if (distribution := spec.get("trafficDistribution")) is not None:
        faults += checks.one_of(SPEC / "trafficDistribution", distribution, DISTRIBUTIONS)
    return faults


def _health_port(spec: Spec) -> Faults:
    number = spec.get("healthCheckNodePort") or 0
    if number and not needs_health_port(spec):
        why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        return [invalid(SPEC / "healthCheckNodePort", number, why)]
    if needs_health_port(spec) and number < 0:
        return [invalid(SPEC / "healthCheckNodePort", number, "must be between 1 and 65535, inclusive")]
    return []


def _balancer(spec: Spec, was: Spec) -> Faults:
    kind = spec.get("type")
    faults: Faults = []
    ranges = spec.get("loadBalancerSourceRanges") or []
    path = SPEC / "LoadBalancerSourceRanges"
    if ranges and kind != "LoadBalancer":
        faults.append(forbidden(path, "may only be used when `type` is 'LoadBalancer'"))
    for at, text in enumerate(ranges):
        check = checks.cidr if text in (was.get("loadBalancerSourceRanges") or ()) else checks.legacy_cidr
        faults += check(path[at], text.strip())
    if spec.get("allocateLoadBalancerNodePorts") is not None and kind != "LoadBalancer":
        faults.append(
            forbidden(SPEC / "allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'")
        )
    return faults + _class(spec)


def _class(spec: Spec) -> Faults:
    path, name = SPEC / "loadBalancerClass", spec.get("loadBalancerClass")
    if name is None:
        return []
    if spec.get("type") != "LoadBalancer":
        return [forbidden(path, "may only be used when `type` is 'LoadBalancer'")]
    return checks.qualified(path, name)


def validate_update(new: Obj, old: Obj) -> Faults:
    """The first address stays once there is one, unless the type does away with addresses."""
    now, was = spec_of(new), spec_of(old)
    faults: Faults = []
    if now.get("type") != "ExternalName" and was.get("type") != "ExternalName":
        before, after = was.get("clusterIPs") or [], now.get("clusterIPs") or []
        if before and (not after or before[0] != after[0]):
            faults.append(invalid((SPEC / "clusterIPs")[0], after, "may not change once set"))
    # The class is checked here and again with the rest: a fault of it is named twice.
    faults += _kept_class(now, was) or _class(now)
    if needs_health_port(was) and needs_health_port(now):
        if (now.get("healthCheckNodePort") or 0) != (was.get("healthCheckNodePort") or 0):
            faults.append(forbidden(SPEC / "healthCheckNodePort", checks.IMMUTABLE))
    return faults + validate(new, old)


def _kept_class(now: Spec, was: Spec) -> Faults:
    both = was.get("type") == "LoadBalancer" and now.get("type") == "LoadBalancer"
    if not both or now.get("loadBalancerClass") == was.get("loadBalancerClass"):
        return []
    return [invalid(SPEC / "loadBalancerClass", now.get("loadBalancerClass"), "may not change once set")]
