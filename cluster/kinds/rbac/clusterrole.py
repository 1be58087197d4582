"""ClusterRole: what may be done."""

from __future__ import annotations

from typing import Any

from cluster.kinds.checks import Faults
from cluster.kinds.columns import DEFAULT as PLAIN
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.rbac.rules import rules
from cluster.kinds.selectors_check import label_selector, parses
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.rbac.v1.ClusterRole"


def _aggregation(rule: dict[str, Any]) -> Faults:
    path, selectors = Path("aggregationRule") / "clusterRoleSelectors", rule.get("clusterRoleSelectors") or []
    if not selectors:
        return [required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")]
    faults: Faults = []
    for at, selector in enumerate(selectors):
        faults += label_selector(path[at], selector)
        if not parses(selector):
            faults.append(invalid(path[at], None, "invalid label selector."))
    return faults


def validate(obj: Obj) -> Faults:
    faults = rules(obj.get("rules") or [], namespaced=False)
    if obj.get("aggregationRule") is not None:
        faults += _aggregation(obj["aggregationRule"])
    return faults


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


_WRITES = Strategy(
    default=defaulting(DEFINITION),
    validate=validate,
    validate_update=validate_update,
    create_on_update=True,
    name_rule="path-segment",
)


KIND = Kind(
    group="rbac.authorization.k8s.io",
    version="v1",
    kind="ClusterRole",
    plural="clusterroles",
    singular="clusterrole",
    namespaced=False,
    definition="io.k8s.api.rbac.v1.ClusterRole",
    table=PLAIN,
    strategy=_WRITES,
)
