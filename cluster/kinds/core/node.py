"""Node."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource
from cluster.meta.types import GroupVersionKind

KIND = Kind(
    group="",
    version="v1",
    kind="Node",
    plural="nodes",
    singular="node",
    namespaced=False,
    short_names=("no",),
    definition="io.k8s.api.core.v1.Node",
    subresources=(
        Subresource(
            name="proxy",
            verbs=("create", "delete", "get", "patch", "update"),
            kind=GroupVersionKind("", "v1", "NodeProxyOptions"),
        ),
        Subresource(name="status", verbs=("get", "patch", "update")),
    ),
)
