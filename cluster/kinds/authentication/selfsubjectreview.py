"""SelfSubjectReview."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="authentication.k8s.io",
    version="v1",
    kind="SelfSubjectReview",
    plural="selfsubjectreviews",
    singular="selfsubjectreview",
    namespaced=False,
    verbs=("create",),
    definition="io.k8s.api.authentication.v1.SelfSubjectReview",
)
