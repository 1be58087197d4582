"""DaemonSet."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="apps",
    version="v1",
    kind="DaemonSet",
    plural="daemonsets",
    singular="daemonset",
    namespaced=True,
    short_names=("ds",),
    categories=("all",),
    definition="io.k8s.api.apps.v1.DaemonSet",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
