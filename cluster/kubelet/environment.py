"""The environment of a container: `$(NAME)` expansion, references to the pod, and the variables of Services. Pure.

What references need from the API (ConfigMaps, Secrets) is handed in by the caller, who also turns a ConfigFault into
the container's CreateContainerConfigError.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj

Lookup = Callable[[str, str], Obj | None]
"""(resource, name) -> the object of the pod's namespace: `configmaps`, `secrets`."""

_REFERENCE = re.compile(r"\$(\$|\(([^()$]*)\))")
_SUBSCRIPT = re.compile(r"^metadata\.(labels|annotations)\['(.*)'\]$")
_VARIABLE = re.compile(r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")


class ConfigFault(Exception):
    """The container cannot be configured; the text is what its status says."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a pod's references may ask for besides the pod."""

    pod_ip: str
    host_ip: str
    capacity: Mapping[str, str] = field(default_factory=dict)
    """The node's allocatable resources: the limit of who has none."""
    lookup: Lookup = lambda resource, name: None


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` becomes its value when known; `$$` stands for one dollar; anything else stays."""

    def one(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        return known.get(found[2], found[0])

    return _REFERENCE.sub(one, text) if "$" in text else text


def environment(
    container: Mapping[str, Any], pod: Obj, around: Surroundings, services: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The variables, and the names of sources that were left out as no variable names. Raises ConfigFault."""
    found, skipped = _from_sources(container, around)
    # A variable may refer to those before it, to sources and to Services; what the container sets itself wins.
    for entry in container.get("env") or ():
        name = entry["name"]
        if entry.get("valueFrom"):
            value = _reference(entry["valueFrom"], container, pod, around)
            if value is not None:
                found[name] = value
        else:
            found[name] = expand(entry.get("value") or "", {**services, **found})
    return {**services, **found}, skipped


def _from_sources(container: Mapping[str, Any], around: Surroundings) -> tuple[dict[str, str], list[str]]:
    found: dict[str, str] = {}
    skipped: list[str] = []
    for source in container.get("envFrom") or ():
        prefix = source.get("prefix") or ""
        for key, value in _source(source, around).items():
            if _VARIABLE.match(prefix + key):
                found[prefix + key] = value
            else:
                skipped.append(key)
    return found, skipped


def _source(source: Mapping[str, Any], around: Surroundings) -> dict[str, str]:
    if ref := source.get("configMapRef"):
        obj = _required("configmaps", "configmap", ref, around)
        return dict((obj or {}).get("data") or {})
    if ref := source.get("secretRef"):
        obj = _required("secrets", "secret", ref, around)
        return {k: _decoded(v) for k, v in ((obj or {}).get("data") or {}).items()}
    return {}


def _required(resource: str, kind: str, ref: Mapping[str, Any], around: Surroundings) -> Obj | None:
    obj = around.lookup(resource, ref.get("name") or "")
    if obj is None and not ref.get("optional"):
        raise ConfigFault(f'{kind} "{ref.get("name") or ""}" not found')
    return obj


def _reference(source: Mapping[str, Any], container: Mapping[str, Any], pod: Obj, around: Surroundings) -> str | None:
    """None: an optional reference to nothing, so no variable."""
    if ref := source.get("fieldRef"):
        return field_value(pod, ref["fieldPath"], around)
    if ref := source.get("resourceFieldRef"):
        return resource_value(pod, ref, around, container)
    if ref := source.get("configMapKeyRef"):
        return _key("configmaps", "configmap", "ConfigMap", ref, pod, around)
    if ref := source.get("secretKeyRef"):
        found = _key("secrets", "secret", "Secret", ref, pod, around)
        return None if found is None else _decoded(found)
    raise ConfigFault(f"environment variable source {', '.join(source) or 'none'} is not supported")


def _key(resource: str, kind: str, title: str, ref: Mapping[str, Any], pod: Obj, around: Surroundings) -> str | None:
    obj = _required(resource, kind, ref, around)
    if obj is None:
        return None
    value = (obj.get("data") or {}).get(ref["key"])
    if value is None and not ref.get("optional"):
        namespace = pod["metadata"].get("namespace", "")
        raise ConfigFault(f"couldn't find key {ref['key']} in {title} {namespace}/{ref['name']}")
    return None if value is None else str(value)


def _decoded(value: str) -> str:
    return b64decode(value).decode("utf-8", "surrogateescape")


def field_value(pod: Obj, path: str, around: Surroundings) -> str:
    """A field of the pod as text. Raises ConfigFault for a field that cannot be referred to."""
    meta, spec = pod["metadata"], pod.get("spec") or {}
    if found := _SUBSCRIPT.match(path):
        return str((meta.get(found[1]) or {}).get(found[2]) or "")
    if path in ("metadata.labels", "metadata.annotations"):
        values = meta.get(path.rpartition(".")[2]) or {}
        return "\n".join(f"{k}={_quoted(v)}" for k, v in sorted(values.items()))
    simple = {
        "metadata.name": meta.get("name"),
        "metadata.namespace": meta.get("namespace"),
        "metadata.uid": meta.get("uid"),
        "spec.nodeName": spec.get("nodeName"),
        "spec.serviceAccountName": spec.get("serviceAccountName"),
        "status.hostIP": around.host_ip,
        "status.hostIPs": around.host_ip,
        "status.podIP": around.pod_ip,
        "status.podIPs": around.pod_ip,
    }
    if path not in simple:
        raise ConfigFault(f"unsupported fieldPath: {path}")
    return simple[path] or ""


def _quoted(text: str) -> str:
    """Go's %q for the texts that labels and annotations hold."""
    out = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return f'"{out}"'


def resource_value(
    pod: Obj, ref: Mapping[str, Any], around: Surroundings, container: Mapping[str, Any] | None = None
) -> str:
    """`limits.cpu` and the like in units of the divisor, rounded up."""
    if ref.get("containerName") or container is None:
        spec = pod["spec"]
        every = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
        container = next((c for c in every if c["name"] == ref.get("containerName")), None)
        if container is None:
            raise ConfigFault(f"container {ref.get('containerName')} not found")
    kind, _, name = str(ref["resource"]).partition(".")
    resources = container.get("resources") or {}
    value = (resources.get(kind) or {}).get(name)
    if value is None and kind == "limits":
        value = around.capacity.get(name)
    # "0" is the divisor of who gave none.
    divisor = Quantity.parse(str(ref.get("divisor") or "1")).milli_value() or 1000
    amount = Quantity.parse(str(value)).milli_value() if value is not None else 0
    return str(-(-amount // divisor))


def service_variables(services: Iterable[Obj], namespace: str, *, links: bool) -> dict[str, str]:
    """The variables of Services: of the pod's namespace when `links`, and always of default/kubernetes."""
    chosen: dict[str, Obj] = {}
    for service in services:
        meta = service["metadata"]
        address = (service.get("spec") or {}).get("clusterIP") or "None"
        if address == "None":
            continue
        if meta.get("namespace") == "default" and meta["name"] == "kubernetes":
            chosen.setdefault(meta["name"], service)
        if links and meta.get("namespace") == namespace:
            chosen[meta["name"]] = service
    out: dict[str, str] = {}
    for name, service in chosen.items():
        out |= _of_service(name, service["spec"])
    return out


def _of_service(name: str, spec: Mapping[str, Any]) -> dict[str, str]:
    prefix, address, ports = name.upper().replace("-", "_"), spec["clusterIP"], spec.get("ports") or []
    if not ports:
        return {}
    out = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            out[f"{prefix}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
    host = f"[{address}]" if ":" in address else address
    first = ports[0]
    out[f"{prefix}_PORT"] = f"{(first.get('protocol') or 'TCP').lower()}://{host}:{first['port']}"
    for port in ports:
        protocol = port.get("protocol") or "TCP"
        each = f"{prefix}_PORT_{port['port']}_{protocol}"
        out |= {
            each: f"{protocol.lower()}://{host}:{port['port']}",
            f"{each}_PROTO": protocol.lower(),
            f"{each}_PORT": str(port["port"]),
            f"{each}_ADDR": address,
        }
    return out
