"""VolumeAttributesClass: changeable attributes of volumes, by driver."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import volumes
from cluster.kinds.storage.storageclass import parameters
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.storage.v1.VolumeAttributesClass"


def validate(obj: Obj) -> Faults:
    driver = (obj.get("driverName") or "").lower()
    faults = checks.qualified(Path("driverName"), driver) if driver else [required(Path("driverName"))]
    if not obj.get("parameters"):
        faults.append(required(Path("parameters"), "must contain at least one key/value pair"))
    return faults + parameters(Path("parameters"), obj.get("parameters") or {})


def validate_update(new: Obj, old: Obj) -> Faults:
    changed = [name for name in ("driverName", "parameters") if new.get(name) != old.get(name)]
    return [forbidden(Path(name), f"updates to {name} are forbidden.") for name in changed] + validate(new)


_WRITES = Strategy(
    default=defaulting(DEFINITION),
    validate=validate,
    validate_update=validate_update,
)


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttributesClass",
    plural="volumeattributesclasses",
    singular="volumeattributesclass",
    namespaced=False,
    short_names=("vac",),
    definition="io.k8s.api.storage.v1.VolumeAttributesClass",
    introduced="1.34",
    table=table("storage.k8s.io", "volumeattributesclasses", volumes.attributes_class),
    strategy=_WRITES,
)
