"""Namespace."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="",
    version="v1",
    kind="Namespace",
    plural="namespaces",
    singular="namespace",
    namespaced=False,
    short_names=("ns",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    definition="io.k8s.api.core.v1.Namespace",
    subresources=(
        Subresource(name="finalize", verbs=("update",)),
        Subresource(name="status", verbs=("get", "patch", "update")),
    ),
)
