"""RoleBinding: who may do what a role says."""

from __future__ import annotations

from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.rbac.rules import binding, default_binding, same_role
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.rbac.v1.RoleBinding"


def validate(obj: Obj) -> Faults:
    return binding(obj, kinds=("Role", "ClusterRole"), namespaced=True)


def validate_update(new: Obj, old: Obj) -> Faults:
    return validate(new) + same_role(new, old)


_WRITES = Strategy(
    default=defaulting(DEFINITION, default_binding),
    validate=validate,
    validate_update=validate_update,
    create_on_update=True,
    name_rule="path-segment",
)


KIND = Kind(
    group="rbac.authorization.k8s.io",
    version="v1",
    kind="RoleBinding",
    plural="rolebindings",
    singular="rolebinding",
    namespaced=True,
    definition="io.k8s.api.rbac.v1.RoleBinding",
    table=table("rbac.authorization.k8s.io", "rolebindings", extensions.role_binding),
    strategy=_WRITES,
)
