"""NetworkPolicy."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="NetworkPolicy",
    plural="networkpolicies",
    singular="networkpolicy",
    namespaced=True,
    short_names=("netpol",),
    definition="io.k8s.api.networking.v1.NetworkPolicy",
)
