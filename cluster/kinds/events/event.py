"""Event."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="events.k8s.io",
    version="v1",
    kind="Event",
    plural="events",
    singular="event",
    namespaced=True,
    short_names=("ev",),
    definition="io.k8s.api.events.v1.Event",
)
