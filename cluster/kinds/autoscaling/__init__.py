"""The kinds of API group autoscaling."""

from __future__ import annotations

from cluster.kinds.autoscaling import horizontalpodautoscaler_v1, horizontalpodautoscaler_v2, scale
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (
    horizontalpodautoscaler_v1.KIND,
    horizontalpodautoscaler_v2.KIND,
)

SPOKEN: tuple[Kind, ...] = (scale.KIND,)
"""Kinds that only subresources speak."""
