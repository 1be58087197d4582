"""ReplicaSet."""

from __future__ import annotations

from cluster.kinds.kind import Kind, ScalePaths, Subresource
from cluster.meta.types import GroupVersionKind

KIND = Kind(
    group="apps",
    version="v1",
    kind="ReplicaSet",
    plural="replicasets",
    singular="replicaset",
    namespaced=True,
    short_names=("rs",),
    categories=("all",),
    definition="io.k8s.api.apps.v1.ReplicaSet",
    subresources=(
        Subresource(
            name="scale",
            verbs=("get", "patch", "update"),
            kind=GroupVersionKind("autoscaling", "v1", "Scale"),
            scale=ScalePaths(),
        ),
        Subresource(name="status", verbs=("get", "patch", "update")),
    ),
)
