"""Role."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Strategy

KIND = Kind(
    group="rbac.authorization.k8s.io",
    version="v1",
    kind="Role",
    plural="roles",
    singular="role",
    namespaced=True,
    definition="io.k8s.api.rbac.v1.Role",
    strategy=Strategy(name_rule="path-segment"),
)
