"""PodDisruptionBudget."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="policy",
    version="v1",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    singular="poddisruptionbudget",
    namespaced=True,
    short_names=("pdb",),
    definition="io.k8s.api.policy.v1.PodDisruptionBudget",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
