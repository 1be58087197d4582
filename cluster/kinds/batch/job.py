"""Job."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="batch",
    version="v1",
    kind="Job",
    plural="jobs",
    singular="job",
    namespaced=True,
    categories=("all",),
    definition="io.k8s.api.batch.v1.Job",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
