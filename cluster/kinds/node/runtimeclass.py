"""RuntimeClass."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="node.k8s.io",
    version="v1",
    kind="RuntimeClass",
    plural="runtimeclasses",
    singular="runtimeclass",
    namespaced=False,
    definition="io.k8s.api.node.v1.RuntimeClass",
)
