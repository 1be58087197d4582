"""The kinds of API group policy."""

from __future__ import annotations

from cluster.kinds.kind import Kind
from cluster.kinds.policy import eviction, poddisruptionbudget

KINDS: tuple[Kind, ...] = (poddisruptionbudget.KIND,)

SPOKEN: tuple[Kind, ...] = (eviction.KIND,)
"""Kinds that only subresources speak."""
