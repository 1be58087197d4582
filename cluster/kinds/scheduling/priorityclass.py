"""PriorityClass: a name for a priority."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import never_counted
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.scheduling.v1.PriorityClass"
HIGHEST = 1_000_000_000
SYSTEM = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}


def _default(obj: Obj) -> None:
    obj.setdefault("preemptionPolicy", "PreemptLowerPriority")


def validate(obj: Obj) -> Faults:
    name, value = (obj.get("metadata") or {}).get("name") or "", obj.get("value") or 0
    faults: Faults = []
    if name.startswith("system-"):
        if SYSTEM.get(name) != value:
            why = "priority class names with 'system-' prefix are reserved for system use only"
            faults.append(
                forbidden(Path("metadata") / "name", f"{why}. error: {name} is not a known system priority class")
            )
    elif value > HIGHEST:
        why = f"maximum allowed value of a user defined priority is {HIGHEST}"
        faults.append(forbidden(Path("value"), why))
    if (policy := obj.get("preemptionPolicy")) is not None:
        here = Path("preemptionPolicy")
        faults += checks.one_of(here, policy, ("PreemptLowerPriority", "Never")) if policy else [required(here)]
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    faults: Faults = []
    if new.get("value") != old.get("value"):
        faults.append(forbidden(Path("value"), "may not be changed in an update."))
    return faults + checks.immutable(Path("preemptionPolicy"), new.get("preemptionPolicy"), old.get("preemptionPolicy"))


_WRITES = Strategy(
    update_metadata="update",
    default=defaulting(DEFINITION, _default),
    validate=validate,
    validate_update=validate_update,
    generation=True,
    generation_of=never_counted,
)


KIND = Kind(
    group="scheduling.k8s.io",
    version="v1",
    kind="PriorityClass",
    plural="priorityclasses",
    singular="priorityclass",
    namespaced=False,
    short_names=("pc",),
    definition="io.k8s.api.scheduling.v1.PriorityClass",
    table=table("scheduling.k8s.io", "priorityclasses", extensions.priority_class),
    strategy=_WRITES,
)
