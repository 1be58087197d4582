"""SubjectAccessReview."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="authorization.k8s.io",
    version="v1",
    kind="SubjectAccessReview",
    plural="subjectaccessreviews",
    singular="subjectaccessreview",
    namespaced=False,
    verbs=("create",),
    definition="io.k8s.api.authorization.v1.SubjectAccessReview",
)
