"""Service."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource
from cluster.meta.types import GroupVersionKind

KIND = Kind(
    group="",
    version="v1",
    kind="Service",
    plural="services",
    singular="service",
    namespaced=True,
    short_names=("svc",),
    categories=("all",),
    definition="io.k8s.api.core.v1.Service",
    subresources=(
        Subresource(
            name="proxy",
            verbs=("create", "delete", "get", "patch", "update"),
            kind=GroupVersionKind("", "v1", "ServiceProxyOptions"),
        ),
        Subresource(name="status", verbs=("get", "patch", "update")),
    ),
)
