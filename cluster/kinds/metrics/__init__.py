"""The kinds of metrics.k8s.io, which an API server serves only once something measures: added by that add-on."""

from __future__ import annotations

from cluster.kinds.kind import Kind
from cluster.kinds.metrics import nodemetrics, podmetrics

KINDS: tuple[Kind, ...] = (nodemetrics.KIND, podmetrics.KIND)
