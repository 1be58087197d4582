"""ResourceClaimTemplate: dynamic resource allocation; what drivers mean by it is left to them."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.resource.requests import claim, default_requests
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path
from cluster.meta.labels import annotation_faults
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.resource.v1.ResourceClaimTemplate"


def _default(obj: Obj) -> None:
    default_requests(((obj.get("spec") or {}).get("spec") or {}).get("devices") or {})


def validate(obj: Obj) -> Faults:
    held, path = spec(obj), Path("spec")
    meta = held.get("metadata") or {}
    faults = checks.labels(path / "metadata" / "labels", meta.get("labels"))
    faults += annotation_faults(meta.get("annotations"), path / "metadata" / "annotations")
    return faults + claim(path / "spec" / "devices", (held.get("spec") or {}).get("devices") or {})


def validate_update(new: Obj, old: Obj) -> Faults:
    return checks.immutable(Path("spec"), new.get("spec"), old.get("spec"))


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    validate=validate,
    validate_update=validate_update,
)


KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceClaimTemplate",
    plural="resourceclaimtemplates",
    singular="resourceclaimtemplate",
    namespaced=True,
    definition="io.k8s.api.resource.v1.ResourceClaimTemplate",
    introduced="1.34",
    table=table("resource.k8s.io", "resourceclaimtemplates", extensions.aged),
    strategy=_WRITES,
)
