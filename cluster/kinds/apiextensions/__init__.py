"""The kinds of API group apiextensions.k8s.io."""

from __future__ import annotations

from cluster.kinds.apiextensions import customresourcedefinition
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (customresourcedefinition.KIND,)
