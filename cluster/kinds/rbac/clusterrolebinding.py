"""ClusterRoleBinding."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Strategy

KIND = Kind(
    group="rbac.authorization.k8s.io",
    version="v1",
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    singular="clusterrolebinding",
    namespaced=False,
    definition="io.k8s.api.rbac.v1.ClusterRoleBinding",
    strategy=Strategy(name_rule="path-segment"),
)
