"""The kinds of API group node.k8s.io."""

from __future__ import annotations

from cluster.kinds.kind import Kind
from cluster.kinds.node import runtimeclass

KINDS: tuple[Kind, ...] = (runtimeclass.KIND,)
