"""SelfSubjectRulesReview."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="authorization.k8s.io",
    version="v1",
    kind="SelfSubjectRulesReview",
    plural="selfsubjectrulesreviews",
    singular="selfsubjectrulesreview",
    namespaced=False,
    verbs=("create",),
    definition="io.k8s.api.authorization.v1.SelfSubjectRulesReview",
)
