"""NodeAffinity: nodeSelector and node affinity, required and preferred."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.machinery.fitting import meets, suits
from cluster.meta.types import Obj
from cluster.scheduler.framework import Cycle, Event, Plugin, Refusal, normalized
from cluster.scheduler.snapshot import NodeInfo

_REASON = "node(s) didn't match Pod's node affinity/selector"


class NodeAffinity(Plugin):
    name = "NodeAffinity"
    weight = 2
    scores = True
    events = frozenset({Event.NODE_ADDED, Event.NODE_CHANGED, Event.SELF_CHANGED})

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        return None if suits(cycle.pod["spec"], node.name, node.labels) else Refusal((_REASON,), final=True)

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> bool:
        return bool(self._preferred(cycle))

    def score(self, cycle: Cycle, node: NodeInfo) -> float:
        wanted = self._preferred(cycle)
        return float(sum(p["weight"] for p in wanted if meets(p.get("preference") or {}, node.name, node.labels)))

    def normalize(self, cycle: Cycle, scores: dict[str, float]) -> dict[str, float]:
        return normalized(scores)

    @staticmethod
    def _preferred(cycle: Cycle) -> list[dict[str, Any]]:
        affinity = (cycle.pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
        return affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or []

    def helps(self, event: Event, pod: Obj, old: Obj | None, new: Obj | None) -> bool:
        if event is Event.SELF_CHANGED or new is None:
            return True
        node = NodeInfo(new["metadata"]["name"])
        node.set_node(new)
        return suits(pod["spec"], node.name, node.labels)
