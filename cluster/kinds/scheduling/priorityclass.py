"""PriorityClass."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="scheduling.k8s.io",
    version="v1",
    kind="PriorityClass",
    plural="priorityclasses",
    singular="priorityclass",
    namespaced=False,
    short_names=("pc",),
    definition="io.k8s.api.scheduling.v1.PriorityClass",
)
