"""The kinds of API group rbac.authorization.k8s.io."""

from __future__ import annotations

from cluster.kinds.kind import Kind
from cluster.kinds.rbac import clusterrole, clusterrolebinding, role, rolebinding

KINDS: tuple[Kind, ...] = (
    clusterrole.KIND,
    clusterrolebinding.KIND,
    role.KIND,
    rolebinding.KIND,
)
