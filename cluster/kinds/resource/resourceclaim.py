"""ResourceClaim."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceClaim",
    plural="resourceclaims",
    singular="resourceclaim",
    namespaced=True,
    definition="io.k8s.api.resource.v1.ResourceClaim",
    introduced="1.34",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
