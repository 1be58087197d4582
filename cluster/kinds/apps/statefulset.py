"""StatefulSet."""

from __future__ import annotations

from cluster.kinds.kind import Kind, ScalePaths, Subresource
from cluster.meta.types import GroupVersionKind

KIND = Kind(
    group="apps",
    version="v1",
    kind="StatefulSet",
    plural="statefulsets",
    singular="statefulset",
    namespaced=True,
    short_names=("sts",),
    categories=("all",),
    definition="io.k8s.api.apps.v1.StatefulSet",
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
