"""Ingress."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="Ingress",
    plural="ingresses",
    singular="ingress",
    namespaced=True,
    short_names=("ing",),
    definition="io.k8s.api.networking.v1.Ingress",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
