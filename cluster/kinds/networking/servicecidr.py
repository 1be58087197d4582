"""ServiceCIDR."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="ServiceCIDR",
    plural="servicecidrs",
    singular="servicecidr",
    namespaced=False,
    definition="io.k8s.api.networking.v1.ServiceCIDR",
    introduced="1.33",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
