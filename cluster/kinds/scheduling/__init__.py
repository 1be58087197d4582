"""The kinds of API group scheduling.k8s.io."""

from __future__ import annotations

from cluster.kinds.kind import Kind
from cluster.kinds.scheduling import priorityclass

KINDS: tuple[Kind, ...] = (priorityclass.KIND,)
