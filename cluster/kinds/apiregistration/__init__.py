"""The kinds of API group apiregistration.k8s.io."""

from __future__ import annotations

from cluster.kinds.apiregistration import apiservice
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (apiservice.KIND,)
