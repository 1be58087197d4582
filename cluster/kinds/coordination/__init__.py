"""The kinds of API group coordination.k8s.io."""

from __future__ import annotations

from cluster.kinds.coordination import lease
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (lease.KIND,)
