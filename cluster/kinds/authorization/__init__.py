"""The kinds of API group authorization.k8s.io."""

from __future__ import annotations

from cluster.kinds.authorization import (
    localsubjectaccessreview,
    selfsubjectaccessreview,
    selfsubjectrulesreview,
    subjectaccessreview,
)
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (
    localsubjectaccessreview.KIND,
    selfsubjectaccessreview.KIND,
    selfsubjectrulesreview.KIND,
    subjectaccessreview.KIND,
)
