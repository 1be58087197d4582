"""IngressClass: which controller serves an Ingress."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import network
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import Path, forbidden, required, too_long
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.networking.v1.IngressClass"
SPEC = Path("spec")
LONGEST = 250


def _default(obj: Obj) -> None:
    parameters = obj["spec"].get("parameters")
    if parameters is not None:
        # An empty scope that is given is refused, not defaulted.
        if parameters.get("scope") is None:
            parameters["scope"] = "Cluster"


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    controller = held.get("controller") or ""
    faults: Faults = []
    if len(controller) > LONGEST:
        faults.append(too_long(SPEC / "controller", LONGEST))
    faults += checks.prefixed_path(SPEC / "controller", controller)
    if held.get("parameters") is not None:
        faults += _parameters(SPEC / "parameters", held["parameters"])
    return faults


def _parameters(path: Path, ref: dict[str, Any]) -> Faults:
    faults: Faults = []
    if ref.get("apiGroup") is not None:
        faults += checks.subdomain(path / "apiGroup", ref["apiGroup"])
    for name in ("kind", "name"):
        held = ref.get(name) or ""
        faults += checks.by_rule(path / name, held, names.path_segment) if held else [required(path / name)]
    scope, namespace = ref.get("scope"), ref.get("namespace")
    if scope is None:
        return [*faults, required(path / "scope")]
    faults += checks.one_of(path / "scope", scope, ("Cluster", "Namespace"))
    if scope == "Namespace":
        if namespace is None:
            faults.append(required(path / "namespace", "`parameters.scope` is set to 'Namespace'"))
        else:
            faults += checks.label(path / "namespace", namespace)
    elif scope == "Cluster" and namespace is not None:
        faults.append(forbidden(path / "namespace", "`parameters.scope` is set to 'Cluster'"))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    name, was = spec(new).get("controller") or "", spec(old).get("controller") or ""
    return checks.immutable(SPEC / "controller", name, was) + validate(new)


_WRITES = Strategy(
    default=defaulting(DEFINITION, _default),
    validate=validate,
    validate_update=validate_update,
    generation=True,
)


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="IngressClass",
    plural="ingressclasses",
    singular="ingressclass",
    namespaced=False,
    definition="io.k8s.api.networking.v1.IngressClass",
    table=table("networking.k8s.io", "ingressclasses", network.ingress_class),
    strategy=_WRITES,
)
