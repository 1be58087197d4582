"""ResourceClaimTemplate."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceClaimTemplate",
    plural="resourceclaimtemplates",
    singular="resourceclaimtemplate",
    namespaced=True,
    definition="io.k8s.api.resource.v1.ResourceClaimTemplate",
    introduced="1.34",
)
