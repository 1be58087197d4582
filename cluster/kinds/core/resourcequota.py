"""ResourceQuota."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="",
    version="v1",
    kind="ResourceQuota",
    plural="resourcequotas",
    singular="resourcequota",
    namespaced=True,
    short_names=("quota",),
    definition="io.k8s.api.core.v1.ResourceQuota",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
