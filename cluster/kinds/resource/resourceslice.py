"""ResourceSlice."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceSlice",
    plural="resourceslices",
    singular="resourceslice",
    namespaced=False,
    definition="io.k8s.api.resource.v1.ResourceSlice",
    introduced="1.34",
)
