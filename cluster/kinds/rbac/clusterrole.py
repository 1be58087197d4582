"""ClusterRole."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Strategy

KIND = Kind(
    group="rbac.authorization.k8s.io",
    version="v1",
    kind="ClusterRole",
    plural="clusterroles",
    singular="clusterrole",
    namespaced=False,
    definition="io.k8s.api.rbac.v1.ClusterRole",
    strategy=Strategy(name_rule="path-segment"),
)
