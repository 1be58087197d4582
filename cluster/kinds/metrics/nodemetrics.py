"""NodeMetrics: what a node used in a window of time."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="metrics.k8s.io",
    version="v1beta1",
    kind="NodeMetrics",
    plural="nodes",
    namespaced=False,
    verbs=("get", "list"),
    preserve_unknown=True,
    introduced="1.8",
)
