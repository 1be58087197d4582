"""Ingress: rules from hosts and paths to Services."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import network
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import Path, invalid, not_supported, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.networking.v1.Ingress"
SPEC = Path("spec")
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDS = ("/..", "/.")


def _host(path: Path, host: str) -> Faults:
    if checks.address(host):
        return [invalid(path, host, "must be a DNS name, not an IP address")]
    if "*" in host:
        return checks.by_rule(path, host, names.wildcard_dns1123_subdomain)
    return checks.subdomain(path, host)


def _rules(held: dict[str, Any]) -> Faults:
    faults: Faults = []
    for at, rule in enumerate(held.get("rules") or ()):
        here = (SPEC / "rules")[at]
        if rule.get("host"):
            faults += _host(here / "host", rule["host"])
        if rule.get("http") is not None:
            faults += _paths(here / "http" / "paths", rule["http"].get("paths") or [])
    return faults


def _paths(path: Path, paths: list[dict[str, Any]]) -> Faults:
    if not paths:
        return [required(path)]
    faults: Faults = []
    for at, item in enumerate(paths):
        faults += _path(path[at], item)
    return faults


def _path(path: Path, item: dict[str, Any]) -> Faults:
    kind, where = item.get("pathType"), item.get("path") or ""
    if kind is None:
        return [required(path / "pathType", "pathType must be specified")]
    faults: Faults = []
    if kind in ("Exact", "Prefix"):
        if not where.startswith("/"):
            faults.append(invalid(path / "path", where, "must be an absolute path"))
        if where:
            faults += _sequences(path / "path", where)
    elif kind == "ImplementationSpecific":
        if where and not where.startswith("/"):
            faults.append(invalid(path / "path", where, "must be an absolute path"))
    else:
        faults.append(not_supported(path / "pathType", kind, list(PATH_TYPES)))
    return faults + backend(path / "backend", item.get("backend") or {})


def _sequences(path: Path, where: str) -> Faults:
    faults = [invalid(path, where, f"must not contain '{bad}'") for bad in _BAD_SEQUENCES if bad in where]
    return faults + [invalid(path, where, f"cannot end with '{bad}'") for bad in _BAD_ENDS if where.endswith(bad)]


def backend(path: Path, held: dict[str, Any]) -> Faults:
    """A Service with a port, or another resource, not both."""
    service, resource = held.get("service"), held.get("resource")
    if service is not None and resource is not None:
        return [invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return _resource(path / "resource", resource)
    if service is None:
        return [invalid(path, "", "resource or service backend is required")]
    name, port = service.get("name") or "", service.get("port") or {}
    faults = checks.label(path / "service" / "name", name) if name else [required(path / "service" / "name")]
    number, text = port.get("number") or 0, port.get("name") or ""
    if number and text:
        faults.append(invalid(path, "", "cannot set both port name & port number"))
    elif text:
        faults += checks.by_rule(path / "service" / "port" / "name", text, names.port_name)
    elif number:
        faults += checks.port(path / "service" / "port" / "number", number)
    else:
        faults.append(required(path, "port name or number is required"))
    return faults


def _resource(path: Path, ref: dict[str, Any]) -> Faults:
    faults: Faults = []
    if ref.get("apiGroup") is not None:
        faults += checks.subdomain(path / "apiGroup", ref["apiGroup"])
    for name in ("kind", "name"):
        held = ref.get(name) or ""
        faults += checks.by_rule(path / name, held, names.path_segment) if held else [required(path / name)]
    return faults


def _tls(held: dict[str, Any]) -> Faults:
    faults: Faults = []
    for at, tls in enumerate(held.get("tls") or ()):
        for index, host in enumerate(tls.get("hosts") or ()):
            here = ((SPEC / "tls")[at] / "hosts")[index]
            if "*" in host:
                faults += checks.by_rule(here, host, names.wildcard_dns1123_subdomain)
            else:
                faults += checks.subdomain(here, host)
        if tls.get("secretName"):
            faults += checks.subdomain((SPEC / "tls")[at] / "secretName", tls["secretName"])
    return faults


def _spec(held: dict[str, Any]) -> Faults:
    faults: Faults = []
    if not held.get("rules") and held.get("defaultBackend") is None:
        faults.append(invalid(SPEC, held.get("rules"), "either `defaultBackend` or `rules` must be specified"))
    if held.get("defaultBackend") is not None:
        faults += backend(SPEC / "defaultBackend", held["defaultBackend"])
    faults += _rules(held) + _tls(held)
    if (name := held.get("ingressClassName")) is not None:
        faults += checks.subdomain(SPEC / "ingressClassName", name)
    return faults


def validate(obj: Obj) -> Faults:
    faults = _spec(spec(obj))
    annotation = ((obj.get("metadata") or {}).get("annotations") or {}).get(CLASS_ANNOTATION)
    name = spec(obj).get("ingressClassName")
    if annotation and name is not None and name != annotation:
        path = Path("annotations") / CLASS_ANNOTATION
        faults.append(invalid(path, annotation, "must match `ingressClassName` when both are specified"))
    return faults


def validate_update(new: Obj, _old: Obj) -> Faults:
    return _spec(spec(new))


def _warnings(new: Obj, old: Obj | None) -> list[str]:
    if old is None and CLASS_ANNOTATION in ((new.get("metadata") or {}).get("annotations") or {}):
        return [f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]
    return []


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    warnings=_warnings,
    generation=True,
)


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="Ingress",
    plural="ingresses",
    singular="ingress",
    namespaced=True,
    short_names=("ing",),
    definition="io.k8s.api.networking.v1.Ingress",
    subresources=(status(DEFAULT),),
    table=table("networking.k8s.io", "ingresses", network.ingress),
    strategy=_WRITES,
)
