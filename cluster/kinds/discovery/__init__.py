"""The kinds of API group discovery.k8s.io."""

from __future__ import annotations

from cluster.kinds.discovery import endpointslice
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (endpointslice.KIND,)
