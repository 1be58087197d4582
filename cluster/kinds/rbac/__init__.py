"""The kinds of API group rbac.authorization.k8s.io."""

from __future__ import annotations

from cluster.kinds.rbac import clusterrole, clusterrolebinding, role, rolebinding
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (
    clusterrole.KIND,
    clusterrolebinding.KIND,
    role.KIND,
    rolebinding.KIND,
)
