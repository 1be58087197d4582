"""The kinds of API group apps."""

from __future__ import annotations

from cluster.kinds.apps import controllerrevision, daemonset, deployment, replicaset, statefulset
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (
    controllerrevision.KIND,
    daemonset.KIND,
    deployment.KIND,
    replicaset.KIND,
    statefulset.KIND,
)
