"""Cells of what connects: Services, endpoints, ingresses, policies, address blocks."""

from __future__ import annotations

from typing import Any

from cluster.kinds.kind import Cell
from cluster.kinds.printers.text import NONE, UNKNOWN, UNSET, age, joined, label_map, name, selector_or_none
from cluster.meta.types import Obj

_SHOWN = 3


def service(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    addresses = spec.get("clusterIPs") or ()
    return [
        name(obj),
        spec.get("type") or "",
        addresses[0] if addresses else NONE,
        _external(obj, spec),
        joined(_service_port(port) for port in spec.get("ports") or ()),
        age(obj, now),
        label_map(spec.get("selector")),
    ]


def _service_port(port: dict[str, Any]) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port') or 0}{node}/{port.get('protocol') or ''}"


def _external(obj: Obj, spec: dict[str, Any]) -> str:
    """External addresses; those of a load balancer once it has them."""
    given = list(spec.get("externalIPs") or ())
    match spec.get("type"):
        case "ClusterIP" | "NodePort":
            return joined(given)
        case "LoadBalancer":
            ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
            found = sorted({i.get("ip") or i.get("hostname") or "" for i in ingress} - {""})
            return ",".join([*found, *given]) or "<pending>"
        case "ExternalName":
            return spec.get("externalName") or ""
    return UNKNOWN


def endpoints(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), _endpoints(obj.get("subsets") or []), age(obj, now)]


def _endpoints(subsets: list[dict[str, Any]]) -> str:
    if not subsets:
        return NONE
    texts = []
    for subset in subsets:
        addresses, ports = subset.get("addresses") or (), subset.get("ports") or ()
        if not ports:
            texts += [address.get("ip") or "" for address in addresses]
        for port in ports:
            texts += [_host_port(address.get("ip") or "", port.get("port") or 0) for address in addresses]
    text = ",".join(texts[:_SHOWN])
    return f"{text} + {len(texts) - _SHOWN} more..." if len(texts) > _SHOWN else text


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def endpoint_slice(obj: Obj, now: float) -> list[Cell]:
    ports = [UNSET if port.get("port") is None else str(port["port"]) for port in obj.get("ports") or ()]
    addresses = [address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    return [name(obj), obj.get("addressType") or "", _first(ports), _first(addresses), age(obj, now)]


def _first(texts: list[str]) -> str:
    if not texts:
        return UNSET
    text = ",".join(texts[:_SHOWN])
    return f"{text} + {len(texts) - _SHOWN} more..." if len(texts) > _SHOWN else text


def ingress(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    balancer = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [
        name(obj),
        spec.get("ingressClassName") or NONE,
        _hosts(spec.get("rules") or []),
        ",".join(sorted({i.get("ip") or i.get("hostname") or "" for i in balancer} - {""})),
        "80, 443" if spec.get("tls") else "80",
        age(obj, now),
    ]


def _hosts(rules: list[dict[str, Any]]) -> str:
    hosts = [rule["host"] for rule in rules if rule.get("host")]
    if not hosts:
        return "*"
    text = ",".join(hosts[:_SHOWN])
    return f"{text} + {len(hosts) - _SHOWN} more..." if len(hosts) > _SHOWN else text


def ingress_class(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    parameters = spec.get("parameters")
    text = NONE
    if parameters:
        group = parameters.get("apiGroup")
        kind = f"{parameters.get('kind')}.{group}" if group else str(parameters.get("kind"))
        text = f"{kind}/{parameters.get('name')}"
    return [name(obj), spec.get("controller") or "", text, age(obj, now)]


def network_policy(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), selector_or_none((obj.get("spec") or {}).get("podSelector")), age(obj, now)]


def service_cidr(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), ",".join((obj.get("spec") or {}).get("cidrs") or ()), age(obj, now)]


def ip_address(obj: Obj, now: float) -> list[Cell]:
    ref = (obj.get("spec") or {}).get("parentRef") or {}
    parts = [ref.get("resource") or ""]
    if ref.get("group"):
        parts[0] = f"{parts[0]}.{ref['group']}"
    if ref.get("namespace"):
        parts.append(ref["namespace"])
    parts.append(ref.get("name") or "")
    return [name(obj), "/".join(parts), age(obj, now)]
