"""Binding."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="",
    version="v1",
    kind="Binding",
    plural="bindings",
    singular="binding",
    namespaced=True,
    verbs=("create",),
    definition="io.k8s.api.core.v1.Binding",
)
