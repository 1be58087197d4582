"""HorizontalPodAutoscaler."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="autoscaling",
    version="v1",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    singular="horizontalpodautoscaler",
    namespaced=True,
    short_names=("hpa",),
    categories=("all",),
    definition="io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
