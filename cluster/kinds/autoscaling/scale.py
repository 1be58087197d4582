"""Scale: spoken by the scale subresources; it has no resource of its own."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="autoscaling",
    version="v1",
    kind="Scale",
    plural="",
    namespaced=True,
    verbs=("create",),
    definition="io.k8s.api.autoscaling.v1.Scale",
)
