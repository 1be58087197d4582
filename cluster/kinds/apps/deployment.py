"""Deployment."""

from __future__ import annotations

from cluster.kinds.kind import Kind, ScalePaths, Subresource
from cluster.meta.types import GroupVersionKind

KIND = Kind(
    group="apps",
    version="v1",
    kind="Deployment",
    plural="deployments",
    singular="deployment",
    namespaced=True,
    short_names=("deploy",),
    categories=("all",),
    definition="io.k8s.api.apps.v1.Deployment",
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
