"""The kinds of API group resource.k8s.io."""

from __future__ import annotations

from cluster.kinds.kind import Kind
from cluster.kinds.resource import deviceclass, resourceclaim, resourceclaimtemplate, resourceslice

KINDS: tuple[Kind, ...] = (
    deviceclass.KIND,
    resourceclaim.KIND,
    resourceclaimtemplate.KIND,
    resourceslice.KIND,
)
