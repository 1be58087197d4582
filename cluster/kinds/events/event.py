"""Event of events.k8s.io: the same stored object as the core event, under other names."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.event_checks import selectable
from cluster.kinds.core.event_checks import validate as validate_core
from cluster.kinds.golang import dump
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
    """New-style events say who reports what about whom, and when; fields of the old style stay unset."""
    core = to_core(event)
    faults = validate_core(core, "reportingController") + _series(core)
    if not core.get("eventTime"):
        faults.append(required(Path("eventTime")))
    if core.get("type") not in ("Normal", "Warning"):
        faults.append(invalid(Path("type"), "", f"has invalid value: {core.get('type') or ''}"))
    for name in ("firstTimestamp", "lastTimestamp", "count"):
        if core.get(name):
            faults.append(invalid(Path(name), "", "needs to be unset"))
    if any((core.get("source") or {}).values()):
        faults.append(invalid(Path("source"), "", "needs to be unset"))
    return faults


def _series(core: Obj) -> Faults:
    series = core.get("series")
    if series is None:
        return []
    faults: Faults = []
    if (series.get("count") or 0) < 2:
        faults.append(invalid(Path("series.count"), "", "should be at least 2"))
    if not series.get("lastObservedTime"):
        faults.append(required(Path("series.lastObservedTime")))
    return faults


_FIXED = (
    "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason", "type",
    "eventTime", "action", "related", "reportingComponent", "reportingInstance",
)  # fmt: skip


def validate_update(new: Obj, old: Obj) -> Faults:
    """Only the series goes on."""
    now, was = to_core(new), to_core(old)
    faults = validate_core(now, "reportingController")
    if now.get("series") != was.get("series"):
        faults += _series(now)
    for name in _FIXED:
        path = Path("reportingController" if name == "reportingComponent" else name)
        if (now.get(name) or None) != (was.get(name) or None):
            faults.append(invalid(path, _shown(now, name), checks.IMMUTABLE))
    return faults


_STRUCTURES = {
    "involvedObject": "io.k8s.api.core.v1.ObjectReference",
    "related": "io.k8s.api.core.v1.ObjectReference",
    "source": "io.k8s.api.core.v1.EventSource",
}


def _shown(core: Obj, name: str) -> Any:
    value = core.get(name)
    if name in _STRUCTURES:
        return dump(value, _STRUCTURES[name]) if value is not None else None
    return value if value is not None or name in ("firstTimestamp", "lastTimestamp", "eventTime") else ""


def _selectable(event: Obj) -> dict[str, str]:
    """This version's names for what the core kind selects by; the core names themselves are not known here."""
    found = selectable(to_core(event))
    about = {name.replace("involvedObject.", "regarding."): found[name] for name in found if "." in name}
    return about | {
        "reason": found["reason"],
        "reportingController": found["reportingComponent"],
        "type": found["type"],
    }


def _cells(event: Obj, now: float) -> list[Cell]:
    return configuration.event(to_core(event), now)


_WRITES = Strategy(
    update_metadata="update",
    default=defaulting(DEFINITION),
    validate=validate,
    validate_update=validate_update,
    create_on_update=True,
)


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
