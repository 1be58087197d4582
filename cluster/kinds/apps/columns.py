"""The tables of apps."""

from __future__ import annotations

from cluster.kinds.columns import table
from cluster.kinds.printers import workloads

DEPLOYMENT = table("apps", "deployments", workloads.deployment)
REPLICA_SET = table("apps", "replicasets", workloads.replica_set)
STATEFUL_SET = table("apps", "statefulsets", workloads.stateful_set)
DAEMON_SET = table("apps", "daemonsets", workloads.daemon_set)
CONTROLLER_REVISION = table("apps", "controllerrevisions", workloads.controller_revision)
