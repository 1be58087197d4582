"""RuntimeClass: which handler runs a pod, and what it costs."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.resources import requirements
from cluster.kinds.podspec.scheduling import tolerations
from cluster.kinds.printers import extensions
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.node.v1.RuntimeClass"


def validate(obj: Obj) -> Faults:
    handler = obj.get("handler") or ""
    faults: Faults = checks.label(Path("handler"), handler) if handler else [required(Path("handler"))]
    if obj.get("overhead") is not None:
        limits = {"limits": obj["overhead"].get("podFixed") or {}}
        faults += requirements(Path("overhead") / "podFixed", limits)
    held = obj.get("scheduling") or {}
    path = Path("scheduling")
    faults += checks.labels(path / "nodeSelector", held.get("nodeSelector"))
    return faults + tolerations(path / "tolerations", held.get("tolerations") or [])


def validate_update(new: Obj, old: Obj) -> Faults:
    return checks.immutable(Path("handler"), new.get("handler"), old.get("handler"))


_WRITES = Strategy(
    default=defaulting(DEFINITION),
    validate=validate,
    validate_update=validate_update,
    unconditional_update=False,
    bare_finalizers=True,
)


KIND = Kind(
    group="node.k8s.io",
    version="v1",
    kind="RuntimeClass",
    plural="runtimeclasses",
    singular="runtimeclass",
    namespaced=False,
    definition="io.k8s.api.node.v1.RuntimeClass",
    table=table("node.k8s.io", "runtimeclasses", extensions.runtime_class),
    strategy=_WRITES,
)
