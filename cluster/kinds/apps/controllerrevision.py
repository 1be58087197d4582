"""ControllerRevision: a snapshot that never changes but for its number."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.apps.columns import CONTROLLER_REVISION
from cluster.kinds.checks import Faults
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.apps.v1.ControllerRevision"


def validate(revision: Obj) -> Faults:
    faults = checks.nonnegative(Path("revision"), revision.get("revision"))
    if revision.get("data") is None:
        faults.append(required(Path("data"), "data is mandatory"))
    elif not isinstance(revision["data"], dict):
        faults.append(required(Path("data"), "data must be a valid JSON object"))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    faults = checks.nonnegative(Path("revision"), new.get("revision"))
    return faults + checks.immutable(Path("data"), new.get("data"), old.get("data"))


_WRITES = Strategy(default=defaulting(DEFINITION), validate=validate, validate_update=validate_update)


KIND = Kind(
    group="apps",
    version="v1",
    kind="ControllerRevision",
    plural="controllerrevisions",
    singular="controllerrevision",
    namespaced=True,
    definition="io.k8s.api.apps.v1.ControllerRevision",
    table=CONTROLLER_REVISION,
    strategy=_WRITES,
)
