"""PodTopologySpread: like pods evenly over zones, nodes or any label; hard constraints filter, soft ones score.

A pod without constraints of its own is spread softly over nodes and zones with the pods of the same owner or
service, as the default constraints of upstream say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.machinery.fitting import suits
from cluster.machinery.selecting import Predicate, label_selector, labels_of
from cluster.meta.types import Obj
from cluster.scheduler.framework import MAX_SCORE, Cycle, Event, Plugin, Refusal
from cluster.scheduler.plugins.node_basics import tolerated, tolerations_of
from cluster.scheduler.snapshot import NodeInfo, PodInfo

HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
_REASON = "node(s) didn't match pod topology spread constraints"


@dataclass(slots=True)
class Constraint:
    key: str
    max_skew: int
    selects: Predicate
    min_domains: int
    honor_affinity: bool
    honor_taints: bool
    counts: dict[str, int] = field(default_factory=dict)

    def eligible(self, pod: Obj, node: NodeInfo) -> bool:
        if self.honor_affinity and not suits(pod["spec"], node.name, node.labels):
            return False
        if not self.honor_taints:
            return True
        hard = (t for t in node.taints if t.get("effect") in {"NoSchedule", "NoExecute"})
        return all(tolerated(taint, tolerations_of(pod)) for taint in hard)

    def least(self) -> int:
        if len(self.counts) < self.min_domains:
            return 0
        return min(self.counts.values(), default=0)

    def matches(self, info: PodInfo, pod: Obj) -> bool:
        meta = info.pod["metadata"]
        if meta.get("deletionTimestamp") or meta.get("namespace") != pod["metadata"].get("namespace"):
            return False
        return self.selects(info.labels)


def constraints_of(pod: Obj, when: str) -> list[Constraint]:
    found = pod["spec"].get("topologySpreadConstraints") or ()
    return [_constraint(c, pod) for c in found if c.get("whenUnsatisfiable") == when]


def _constraint(source: dict[str, Any], pod: Obj) -> Constraint:
    labels = labels_of(pod)
    selector = source.get("labelSelector")
    keys = [k for k in source.get("matchLabelKeys") or () if k in labels]
    if keys and selector is not None:
        more = [{"key": k, "operator": "In", "values": [labels[k]]} for k in keys]
        selector = {**selector, "matchExpressions": [*(selector.get("matchExpressions") or ()), *more]}
    return Constraint(
        source["topologyKey"],
        source["maxSkew"],
        label_selector(selector),
        source.get("minDomains") or 1,
        source.get("nodeAffinityPolicy", "Honor") == "Honor",
        source.get("nodeTaintsPolicy", "Ignore") == "Honor",
    )


class PodTopologySpread(Plugin):
    name = "PodTopologySpread"
    weight = 2
    scores = True
    events = frozenset(
        {
            Event.NODE_ADDED,
            Event.NODE_CHANGED,
            Event.POD_ADDED,
            Event.POD_CHANGED,
            Event.POD_REMOVED,
            Event.SELF_CHANGED,
        }
    )

    def __init__(self, default_selector: Callable[[Obj], Predicate | None]) -> None:
        self._default_selector = default_selector

    def pre_filter(self, cycle: Cycle) -> Refusal | None:
        hard = cycle.notes[self.name] = constraints_of(cycle.pod, "DoNotSchedule")
        if not hard:
            return None
        for node in cycle.cache.nodes():
            if all(c.key in node.labels for c in hard):
                self._count(cycle, hard, node)
        return None

    @staticmethod
    def _count(cycle: Cycle, constraints: Sequence[Constraint], node: NodeInfo) -> None:
        for c in constraints:
            if c.eligible(cycle.pod, node):
                value = node.labels[c.key]
                here = sum(c.matches(info, cycle.pod) for info in node.pods.values())
                c.counts[value] = c.counts.get(value, 0) + here

    def _adjust(self, cycle: Cycle, info: PodInfo, node: NodeInfo, sign: int) -> None:
        for c in cycle.notes[self.name]:
            if c.key in node.labels and c.matches(info, cycle.pod) and c.eligible(cycle.pod, node):
                value = node.labels[c.key]
                c.counts[value] = c.counts.get(value, 0) + sign

    def add_pod(self, cycle: Cycle, info: PodInfo, node: NodeInfo) -> None:
        self._adjust(cycle, info, node, 1)

    def remove_pod(self, cycle: Cycle, info: PodInfo, node: NodeInfo) -> None:
        self._adjust(cycle, info, node, -1)

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        for c in cycle.notes[self.name]:
            if c.key not in node.labels:
                return Refusal((f"{_REASON} (missing required label)",), final=True)
            mine = 1 if c.selects(labels_of(cycle.pod)) else 0
            if c.counts.get(node.labels[c.key], 0) + mine - c.least() > c.max_skew:
                return Refusal((_REASON,))
        return None

    # -- preferences -------------------------------------------------------------------------------------------

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> bool:
        soft, required = constraints_of(cycle.pod, "ScheduleAnyway"), True
        if not cycle.pod["spec"].get("topologySpreadConstraints"):
            soft, required = self._defaults(cycle.pod), False
        cycle.notes[f"{self.name} score"] = soft
        if not soft:
            return False
        for node in cycle.cache.nodes():
            if not required or all(c.key in node.labels for c in soft):
                self._count(cycle, [c for c in soft if c.key in node.labels], node)
        return True

    def _defaults(self, pod: Obj) -> list[Constraint]:
        selects = self._default_selector(pod)
        if selects is None:
            return []
        return [Constraint(HOSTNAME, 3, selects, 1, True, False), Constraint(ZONE, 5, selects, 1, True, False)]

    def score(self, cycle: Cycle, node: NodeInfo) -> float:
        total = 0.0
        for c in cycle.notes[f"{self.name} score"]:
            if c.key in node.labels:
                total += c.counts.get(node.labels[c.key], 0) * math.log(len(c.counts) + 2) + c.max_skew - 1
        return float(round(total))

    def normalize(self, cycle: Cycle, scores: dict[str, float]) -> dict[str, float]:
        low, high = min(scores.values()), max(scores.values())
        if high == 0:
            return dict.fromkeys(scores, float(MAX_SCORE))
        return {name: float(int(MAX_SCORE * (high + low - score) / high)) for name, score in scores.items()}
