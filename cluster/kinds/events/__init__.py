"""The kinds of API group events.k8s.io."""

from __future__ import annotations

from cluster.kinds.events import event
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (event.KIND,)
