"""ControllerRevision."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="apps",
    version="v1",
    kind="ControllerRevision",
    plural="controllerrevisions",
    singular="controllerrevision",
    namespaced=True,
    definition="io.k8s.api.apps.v1.ControllerRevision",
)
