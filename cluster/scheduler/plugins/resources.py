"""NodeResourcesFit, NodeResourcesBalancedAllocation and NodePorts: what a node still has to give."""

from __future__ import annotations

from cluster.machinery.requests import pod_requests, ports_clash
from cluster.meta.types import Obj
from cluster.scheduler.framework import MAX_SCORE, Cycle, Event, Plugin, Refusal
from cluster.scheduler.snapshot import NodeInfo, PodInfo


def insufficient(info: PodInfo, node: NodeInfo) -> Refusal | None:
    """What the node lacks for the pod; final when it would lack it empty, too."""
    reasons, final = [], False
    limit = node.allocatable.get("pods", 0)
    if len(node.pods) + 1 > limit:
        reasons.append("Too many pods")
    for name, wanted in _ordered(info):
        have = node.allocatable.get(name, 0)
        if wanted and wanted > have - node.requested.get(name, 0):
            reasons.append(f"Insufficient {name}")
            final = final or wanted > have
    return Refusal(tuple(reasons), final=final) if reasons else None


def _ordered(info: PodInfo) -> list[tuple[str, int]]:
    first = ("cpu", "memory", "ephemeral-storage")
    rest = sorted(name for name in info.requests if name not in first)
    return [(name, info.requests.get(name, 0)) for name in (*first, *rest)]


class NodeResourcesFit(Plugin):
    """Refuses full nodes; prefers those with most left (LeastAllocated)."""

    name = "NodeResourcesFit"
    scores = True
    events = frozenset({Event.NODE_ADDED, Event.NODE_CHANGED, Event.POD_REMOVED, Event.POD_CHANGED, Event.SELF_CHANGED})

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        return insufficient(cycle.info, node)

    def score(self, cycle: Cycle, node: NodeInfo) -> float:
        total, parts = 0, 0
        for index, name in enumerate(("cpu", "memory")):
            have = node.allocatable.get(name, 0)
            if not have:
                continue
            taken = node.nonzero[index] + cycle.info.nonzero[index]
            total += 0 if taken > have else (have - taken) * MAX_SCORE // have
            parts += 1
        return total // parts if parts else 0

    def helps(self, event: Event, pod: Obj, old: Obj | None, new: Obj | None) -> bool:
        if event in {Event.NODE_ADDED, Event.NODE_CHANGED} and new is not None:
            node = NodeInfo("")
            node.set_node(new)
            wanted = pod_requests(pod)
            return all(value <= node.allocatable.get(name, 0) for name, value in wanted.items())
        return True


class NodeResourcesBalancedAllocation(Plugin):
    """Prefers nodes whose CPU and memory would be used in like parts, judged with the pod against without it."""

    name = "NodeResourcesBalancedAllocation"
    scores = True

    def score(self, cycle: Cycle, node: NodeInfo) -> float:
        pod = (cycle.info.requests.get("cpu", 0), cycle.info.requests.get("memory", 0))
        if not any(pod):
            return 0
        after = self._spread(node, pod)
        before = self._spread(node, (0, 0))
        return int((MAX_SCORE - after * MAX_SCORE) / 2 + MAX_SCORE / 2 * (0.5 + (before - after) / 2))

    @staticmethod
    def _spread(node: NodeInfo, pod: tuple[int, int]) -> float:
        fractions = []
        for name, more in zip(("cpu", "memory"), pod, strict=True):
            have = node.allocatable.get(name, 0)
            if have:
                fractions.append(min((node.requested.get(name, 0) + more) / have, 1.0))
        return abs(fractions[0] - fractions[1]) / 2 if len(fractions) == 2 else 0.0


class NodePorts(Plugin):
    name = "NodePorts"
    events = frozenset({Event.NODE_ADDED, Event.POD_REMOVED})

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        if ports_clash(cycle.info.ports, node.ports):
            return Refusal(("node(s) didn't have free ports for the requested pod ports",))
        return None
