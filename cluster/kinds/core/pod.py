"""Pod."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource
from cluster.meta.types import GroupVersionKind

KIND = Kind(
    group="",
    version="v1",
    kind="Pod",
    plural="pods",
    singular="pod",
    namespaced=True,
    short_names=("po",),
    categories=("all",),
    definition="io.k8s.api.core.v1.Pod",
    subresources=(
        Subresource(
            name="attach", verbs=("create", "get"), kind=GroupVersionKind("", "v1", "PodAttachOptions")
        ),
        Subresource(name="binding", verbs=("create",), kind=GroupVersionKind("", "v1", "Binding")),
        Subresource(name="ephemeralcontainers", verbs=("get", "patch", "update")),
        Subresource(name="eviction", verbs=("create",), kind=GroupVersionKind("policy", "v1", "Eviction")),
        Subresource(name="exec", verbs=("create", "get"), kind=GroupVersionKind("", "v1", "PodExecOptions")),
        Subresource(name="log", verbs=("get",)),
        Subresource(
            name="portforward",
            verbs=("create", "get"),
            kind=GroupVersionKind("", "v1", "PodPortForwardOptions"),
        ),
        Subresource(
            name="proxy",
            verbs=("create", "delete", "get", "patch", "update"),
            kind=GroupVersionKind("", "v1", "PodProxyOptions"),
        ),
        Subresource(name="resize", verbs=("get", "patch", "update")),
        Subresource(name="status", verbs=("get", "patch", "update")),
    ),
)
