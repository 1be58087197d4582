"""The kinds of API group resource.k8s.io."""

from __future__ import annotations

from cluster.kinds.resource import deviceclass, resourceclaim, resourceclaimtemplate, resourceslice
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (
    deviceclass.KIND,
    resourceclaim.KIND,
    resourceclaimtemplate.KIND,
    resourceslice.KIND,
)
