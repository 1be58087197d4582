"""Service: a stable address for pods. Addresses and node ports are handed out by the registry, not here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.kinds.checks import cidr_warnings, ip_warnings
from cluster.kinds.columns import table
from cluster.kinds.core.load_balancer import load_balancer
from cluster.kinds.core.service_checks import (
    externally_accessible,
    is_headless,
    needs_health_port,
    validate,
    validate_update,
)
from cluster.kinds.kind import Kind, Strategy, Subresource
from cluster.kinds.printers import network
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path
from cluster.meta.types import GroupVersionKind, Obj

DEFINITION = "io.k8s.api.core.v1.Service"
AFFINITY_SECONDS = 10800
SPEC = Path("spec")
_HINTS, _TOPOLOGY = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"


def _default(service: Obj) -> None:
    held = service["spec"]
    held.setdefault("sessionAffinity", "None")
    if held["sessionAffinity"] == "None":
        held.pop("sessionAffinityConfig", None)
    elif held["sessionAffinity"] == "ClientIP":
        config = held.setdefault("sessionAffinityConfig", {})
        config.setdefault("clientIP", {}).setdefault("timeoutSeconds", AFFINITY_SECONDS)
    held.setdefault("type", "ClusterIP")
    for port in held.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if not port.get("targetPort"):
            port["targetPort"] = port.get("port", 0)
    if externally_accessible(held):
        held.setdefault("externalTrafficPolicy", "Cluster")
    if held["type"] in ("ClusterIP", "NodePort", "LoadBalancer"):
        held.setdefault("internalTrafficPolicy", "Cluster")
    if held["type"] == "LoadBalancer":
        held.setdefault("allocateLoadBalancerNodePorts", True)
        for ingress in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
            if ingress.get("ip"):
                ingress.setdefault("ipMode", "VIP")


def _prepare_create(service: Obj) -> None:
    clear_status(DEFINITION)(service)
    held = spec(service)
    if held.get("clusterIP") and not held.get("clusterIPs"):
        held["clusterIPs"] = [held["clusterIP"]]


def _prepare_update(new: Obj, old: Obj) -> None:
    keep_status(new, old)
    now, was = spec(new), spec(old)
    _keep_allocated(now, was)
    _drop_by_type(now, was)
    if now.get("type") != "LoadBalancer" and ((new.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        new["status"] = {**new["status"], "loadBalancer": {}}


def _keep_allocated(now: dict[str, Any], was: dict[str, Any]) -> None:
    """What the registry handed out stays when the client leaves it out."""
    _same_addresses(now, was)
    if was.get("type") != "ExternalName" and now.get("type") != "ExternalName":
        if not now.get("clusterIP") and not now.get("clusterIPs"):
            for name in ("clusterIP", "clusterIPs"):
                if was.get(name):
                    now[name] = was[name]
        for name in ("ipFamilies", "ipFamilyPolicy"):
            if not now.get(name) and was.get(name):
                now[name] = was[name]
    if _with_node_ports(was) and _with_node_ports(now):
        known = {(port.get("protocol"), port.get("port")): port.get("nodePort") for port in was.get("ports") or ()}
        taken = {port.get("nodePort") for port in now.get("ports") or ()}
        for port in now.get("ports") or ():
            kept = known.get((port.get("protocol"), port.get("port")))
            if not port.get("nodePort") and kept and kept not in taken:
                port["nodePort"] = kept
    if needs_health_port(was) and needs_health_port(now) and not now.get("healthCheckNodePort"):
        if was.get("healthCheckNodePort"):
            now["healthCheckNodePort"] = was["healthCheckNodePort"]


def _same_addresses(now: dict[str, Any], was: dict[str, Any]) -> None:
    """A client that knows only one of clusterIP and clusterIPs changes both."""
    one, many = now.get("clusterIP") or "", now.get("clusterIPs") or []
    if one and not many:
        now["clusterIPs"] = [one]
    elif one != (was.get("clusterIP") or "") and many == (was.get("clusterIPs") or []):
        if one:
            now["clusterIPs"] = [one]
        else:
            now.pop("clusterIPs", None)


def _with_node_ports(held: dict[str, Any]) -> bool:
    return held.get("type") in ("NodePort", "LoadBalancer")


def _drop_by_type(now: dict[str, Any], was: dict[str, Any]) -> None:
    """Fields of the old type that the client sent back unchanged go with it."""
    if was.get("type") != "ExternalName" and now.get("type") == "ExternalName":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if now.get(name) == was.get(name):
                now.pop(name, None)
    if _with_node_ports(was) and not _with_node_ports(now):
        before = [port.get("nodePort") for port in was.get("ports") or ()]
        ports = now.get("ports") or []
        if [port.get("nodePort") for port in ports] == before:
            for port in ports:
                port.pop("nodePort", None)
    if needs_health_port(was) and not needs_health_port(now):
        if now.get("healthCheckNodePort") == was.get("healthCheckNodePort"):
            now.pop("healthCheckNodePort", None)
    if externally_accessible(was) and not externally_accessible(now):
        if now.get("externalTrafficPolicy") == was.get("externalTrafficPolicy"):
            now.pop("externalTrafficPolicy", None)
    if was.get("type") != "ExternalName" and now.get("type") == "ExternalName":
        if now.get("internalTrafficPolicy") == was.get("internalTrafficPolicy"):
            now.pop("internalTrafficPolicy", None)
    if was.get("type") == "LoadBalancer" and now.get("type") != "LoadBalancer":
        for name in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if now.get(name) == was.get(name):
                now.pop(name, None)


def _warnings(new: Obj, _old: Obj | None) -> list[str]:
    held = spec(new)
    kind, headless = held.get("type"), is_headless(held)
    out = []
    if _HINTS in (new["metadata"].get("annotations") or {}):
        out.append(f"annotation {_HINTS} is deprecated, please use {_TOPOLOGY} instead")
    out += _address_list(SPEC / "clusterIPs", () if headless else held.get("clusterIPs") or ())
    if headless and kind == "ClusterIP":
        if held.get("loadBalancerIP"):
            out.append("spec.loadBalancerIP is ignored for headless services")
        if held.get("externalIPs"):
            out.append("spec.externalIPs is ignored for headless services")
        if held.get("sessionAffinity") not in (None, "", "None"):
            out.append("spec.SessionAffinity is ignored for headless services")
    out += _address_list(SPEC / "externalIPs", held.get("externalIPs") or ())
    if held.get("externalIPs") and not headless and kind != "ExternalName":
        out.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    if held.get("loadBalancerIP"):
        out += ip_warnings(SPEC / "loadBalancerIP", held["loadBalancerIP"])
    for at, text in enumerate(held.get("loadBalancerSourceRanges") or ()):
        out += cidr_warnings((SPEC / "loadBalancerSourceRanges")[at], text)
    if kind == "ExternalName" and held.get("externalIPs"):
        out.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if kind != "ExternalName" and held.get("externalName"):
        out.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if held.get("trafficDistribution") == "PreferClose":
        out.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return out


def _address_list(path: Path, texts: Iterable[str]) -> list[str]:
    return [words for at, text in enumerate(texts) for words in ip_warnings(path[at], text)]


def _selectable(service: Obj) -> dict[str, str]:
    return {"spec.clusterIP": spec(service).get("clusterIP") or "", "spec.type": spec(service).get("type") or ""}


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=validate,
    validate_update=validate_update,
    warnings=_warnings,
    create_on_update=True,
    name_rule="dns1123-label",
)


KIND = Kind(
    group="",
    version="v1",
    kind="Service",
    plural="services",
    singular="service",
    namespaced=True,
    short_names=("svc",),
    categories=("all",),
    definition="io.k8s.api.core.v1.Service",
    subresources=(
        Subresource(
            name="proxy",
            verbs=("create", "delete", "get", "patch", "update"),
            kind=GroupVersionKind("", "v1", "ServiceProxyOptions"),
        ),
        status(DEFAULT, validate_update=load_balancer),
    ),
    table=table("", "services", network.service),
    strategy=_WRITES,
    selectable=_selectable,
)
