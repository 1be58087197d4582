"""CronJob."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="batch",
    version="v1",
    kind="CronJob",
    plural="cronjobs",
    singular="cronjob",
    namespaced=True,
    short_names=("cj",),
    categories=("all",),
    definition="io.k8s.api.batch.v1.CronJob",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
