"""PodDisruptionBudget: how many pods a voluntary disruption may take at once."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.selectors_check import label_selector
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.policy.v1.PodDisruptionBudget"
SPEC = Path("spec")


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    low, high = held.get("minAvailable"), held.get("maxUnavailable")
    faults: Faults = []
    if low is not None and high is not None:
        shown = dump(held, "io.k8s.api.policy.v1.PodDisruptionBudgetSpec")
        faults.append(invalid(SPEC, shown, "minAvailable and maxUnavailable cannot be both set"))
    for name, value in (("minAvailable", low), ("maxUnavailable", high)):
        if value is not None:
            faults += checks.int_or_percent(SPEC / name, value) + checks.at_most_all(SPEC / name, value)
    if (policy := held.get("unhealthyPodEvictionPolicy")) is not None:
        faults += checks.one_of(SPEC / "unhealthyPodEvictionPolicy", policy, ("AlwaysAllow", "IfHealthyBudget"))
    return faults + label_selector(SPEC / "selector", held.get("selector"), lenient_values=True)


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    update_metadata="none",
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    generation=True,
    unconditional_update=False,
    name_rule="path-segment",
    bare_finalizers=True,
)


KIND = Kind(
    group="policy",
    version="v1",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    singular="poddisruptionbudget",
    namespaced=True,
    short_names=("pdb",),
    definition="io.k8s.api.policy.v1.PodDisruptionBudget",
    subresources=(status(DEFAULT, update_metadata="none"),),
    table=table("policy", "poddisruptionbudgets", extensions.disruption_budget),
    strategy=_WRITES,
)
