"""The kinds of API group scheduling.k8s.io."""

from __future__ import annotations

from cluster.kinds.scheduling import priorityclass
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (priorityclass.KIND,)
