"""Role: what may be done."""

from __future__ import annotations

from cluster.kinds.checks import Faults
from cluster.kinds.columns import DEFAULT as PLAIN
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.rbac.rules import rules
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.rbac.v1.Role"


def validate(obj: Obj) -> Faults:
    faults = rules(obj.get("rules") or [], namespaced=True)
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
    kind="Role",
    plural="roles",
    singular="role",
    namespaced=True,
    definition="io.k8s.api.rbac.v1.Role",
    table=PLAIN,
    strategy=_WRITES,
)
