"""The plugins that look at a node's spec alone: its name, whether it is cordoned, its taints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.machinery.fitting import tolerates
from cluster.meta.types import Obj
from cluster.scheduler.framework import Cycle, Event, Plugin, Refusal, normalized
from cluster.scheduler.snapshot import NodeInfo

_UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def tolerated(taint: dict[str, Any], tolerations: Iterable[dict[str, Any]]) -> bool:
    return any(tolerates(t, taint) for t in tolerations)


def tolerations_of(pod: Obj) -> list[dict[str, Any]]:
    return pod["spec"].get("tolerations") or []


class NodeUnschedulable(Plugin):
    name = "NodeUnschedulable"
    events = frozenset({Event.NODE_ADDED, Event.NODE_CHANGED, Event.SELF_CHANGED})

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        assert node.node is not None
        if not (node.node.get("spec") or {}).get("unschedulable"):
            return None
        if tolerated(_UNSCHEDULABLE, tolerations_of(cycle.pod)):
            return None
        return Refusal(("node(s) were unschedulable",), final=True)


class NodeName(Plugin):
    name = "NodeName"
    events = frozenset({Event.NODE_ADDED})

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        wanted = cycle.pod["spec"].get("nodeName")
        if not wanted or wanted == node.name:
            return None
        return Refusal(("node(s) didn't match the requested node name",), final=True)


class TaintToleration(Plugin):
    """NoSchedule and NoExecute taints refuse; PreferNoSchedule ones cost."""

    name = "TaintToleration"
    weight = 3
    scores = True
    events = frozenset({Event.NODE_ADDED, Event.NODE_CHANGED, Event.SELF_CHANGED})

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        tolerations = tolerations_of(cycle.pod)
        for taint in node.taints:
            if taint.get("effect") in {"NoSchedule", "NoExecute"} and not tolerated(taint, tolerations):
                return Refusal(("node(s) had untolerated taint(s)",), final=True)
        return None

    def score(self, cycle: Cycle, node: NodeInfo) -> float:
        soft = [t for t in tolerations_of(cycle.pod) if t.get("effect") in {None, "", "PreferNoSchedule"}]
        return float(sum(t.get("effect") == "PreferNoSchedule" and not tolerated(t, soft) for t in node.taints))

    def normalize(self, cycle: Cycle, scores: dict[str, float]) -> dict[str, float]:
        return normalized(scores, reverse=True)
