"""Event of events.k8s.io: the same stored object as the core event, under other names."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.event_checks import selectable
from cluster.kinds.kind import Cell, Kind, Strategy
from cluster.kinds.printers import configuration
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, required
from cluster.meta.types import GroupResource, Obj

DEFINITION = "io.k8s.api.events.v1.Event"
_RENAMED = {
    "regarding": "involvedObject",
    "note": "message",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "reportingController": "reportingComponent",
}
_BACK = {core: own for own, core in _RENAMED.items()}
_ALWAYS = {"reportingComponent": "", "reportingInstance": "", "eventTime": None}
_CORE_ALWAYS: dict[str, Any] = {"source": {}, "firstTimestamp": None, "lastTimestamp": None, "involvedObject": {}}


def to_core(event: Obj) -> Obj:
    """The core event that is stored."""
    out = {_RENAMED.get(name, name): value for name, value in event.items()}
    out["apiVersion"] = "v1"
    return {**_CORE_ALWAYS, **_ALWAYS, **out}


def from_core(event: Obj) -> Obj:
    out = {_BACK.get(name, name): value for name, value in event.items()}
    out["apiVersion"] = "events.k8s.io/v1"
    for name in ("reportingController", "reportingInstance"):
        if not out.get(name):
            out.pop(name, None)
    return out


def validate(event: Obj) -> Faults:
    """New-style events say who reports what about whom, and when."""
    faults: Faults = []
    if not event.get("eventTime"):
        faults.append(required(Path("eventTime")))
    if not (event.get("metadata") or {}).get("namespace"):
        faults.append(required(Path("metadata") / "namespace"))
    controller = event.get("reportingController") or ""
    if not controller:
        faults.append(required(Path("reportingController")))
    faults += checks.qualified(Path("reportingController"), controller)
    for name in ("reportingInstance", "action", "reason"):
        if not event.get(name):
            faults.append(required(Path(name)))
    if event.get("type") not in ("Normal", "Warning"):
        faults.append(invalid(Path("type"), event.get("type") or "", "has invalid value: "))
    return faults


def _selectable(event: Obj) -> dict[str, str]:
    """The core names, and those of this version."""
    found = selectable(to_core(event))
    own = {name.replace("involvedObject.", "regarding."): value for name, value in found.items()}
    return {**found, **own, "reportingController": found["reportingComponent"]}


def _cells(event: Obj, now: float) -> list[Cell]:
    return configuration.event(to_core(event), now)


_WRITES = Strategy(default=defaulting(DEFINITION), validate=validate, create_on_update=True)


KIND = Kind(
    group="events.k8s.io",
    version="v1",
    kind="Event",
    plural="events",
    singular="event",
    namespaced=True,
    short_names=("ev",),
    definition="io.k8s.api.events.v1.Event",
    table=table("", "events", _cells),
    strategy=_WRITES,
    selectable=_selectable,
    storage=GroupResource("", "events"),
    to_storage=to_core,
    from_storage=from_core,
    storage_version=False,
)
