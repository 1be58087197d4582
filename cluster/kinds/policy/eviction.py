"""Eviction: spoken by pods/eviction; it has no resource of its own."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="policy",
    version="v1",
    kind="Eviction",
    plural="",
    namespaced=True,
    verbs=("create",),
    definition="io.k8s.api.policy.v1.Eviction",
)
