"""ReplicationController."""

from __future__ import annotations

from cluster.kinds.kind import Kind, ScalePaths, Subresource
from cluster.meta.types import GroupVersionKind

KIND = Kind(
    group="",
    version="v1",
    kind="ReplicationController",
    plural="replicationcontrollers",
    singular="replicationcontroller",
    namespaced=True,
    short_names=("rc",),
    categories=("all",),
    definition="io.k8s.api.core.v1.ReplicationController",
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
