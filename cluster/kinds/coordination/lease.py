"""Lease."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    singular="lease",
    namespaced=True,
    definition="io.k8s.api.coordination.v1.Lease",
)
