"""Event: what happened to an object. Shares its store with the event of events.k8s.io."""

from __future__ import annotations

from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.event_checks import selectable, validate
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import configuration
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.Event"


def _validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


_WRITES = Strategy(
    update_metadata="none",
    default=defaulting(DEFINITION),
    validate=validate,
    validate_update=_validate_update,
    create_on_update=True,
    name_rule="path-segment",
    bare_finalizers=True,
)


KIND = Kind(
    group="",
    version="v1",
    kind="Event",
    plural="events",
    singular="event",
    namespaced=True,
    short_names=("ev",),
    definition="io.k8s.api.core.v1.Event",
    table=table("", "events", configuration.event),
    strategy=_WRITES,
    selectable=selectable,
)
