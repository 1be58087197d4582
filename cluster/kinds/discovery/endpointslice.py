"""EndpointSlice."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="discovery.k8s.io",
    version="v1",
    kind="EndpointSlice",
    plural="endpointslices",
    singular="endpointslice",
    namespaced=True,
    definition="io.k8s.api.discovery.v1.EndpointSlice",
)
