"""The kinds of API group authentication.k8s.io."""

from __future__ import annotations

from cluster.kinds.authentication import selfsubjectreview, tokenrequest, tokenreview
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (
    selfsubjectreview.KIND,
    tokenreview.KIND,
)

SPOKEN: tuple[Kind, ...] = (tokenrequest.KIND,)
"""Kinds that only subresources speak."""
