"""InterPodAffinity: pods that want, or do not want, to share a topology domain with other pods.

Three counts by (topology key, value) are made once a cycle: existing pods whose required anti-affinity the new pod
would break; existing pods that match the new pod's required affinity (all of its terms together); and those that
match its anti-affinity. Preemption adjusts them pod by pod.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from cluster.meta.types import Obj
from cluster.scheduler.framework import MAX_SCORE, Cycle, Event, Plugin, Refusal
from cluster.scheduler.snapshot import AffinityTerm, NodeInfo, PodInfo

Pair = tuple[str, str]
_HARD_WEIGHT = 1


@dataclass(slots=True)
class _Counts:
    existing_anti: Counter[Pair] = field(default_factory=Counter)
    affinity: Counter[Pair] = field(default_factory=Counter)
    anti: Counter[Pair] = field(default_factory=Counter)


def _all_match(terms: Sequence[AffinityTerm], pod: Obj, labels: dict[str, dict[str, str]]) -> bool:
    return bool(terms) and all(term.matches(pod, labels) for term in terms)


class InterPodAffinity(Plugin):
    name = "InterPodAffinity"
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
            Event.NAMESPACE,
        }
    )

    def pre_filter(self, cycle: Cycle) -> Refusal | None:
        counts = cycle.notes[self.name] = _Counts()
        interested = cycle.info.affinity or cycle.info.anti_affinity
        for info, node in cycle.cache.pods():
            if interested or info.anti_affinity:
                self._count(cycle, counts, info, node, 1)
        return None

    def _count(self, cycle: Cycle, counts: _Counts, info: PodInfo, node: NodeInfo, sign: int) -> None:
        labels = cycle.cache.namespace_labels
        for term in info.anti_affinity:
            if term.topology_key in node.labels and term.matches(cycle.pod, labels):
                counts.existing_anti[(term.topology_key, node.labels[term.topology_key])] += sign
        if _all_match(cycle.info.affinity, info.pod, labels):
            for term in cycle.info.affinity:
                if term.topology_key in node.labels:
                    counts.affinity[(term.topology_key, node.labels[term.topology_key])] += sign
        for term in cycle.info.anti_affinity:
            if term.topology_key in node.labels and term.matches(info.pod, labels):
                counts.anti[(term.topology_key, node.labels[term.topology_key])] += sign

    def add_pod(self, cycle: Cycle, info: PodInfo, node: NodeInfo) -> None:
        self._count(cycle, cycle.notes[self.name], info, node, 1)

    def remove_pod(self, cycle: Cycle, info: PodInfo, node: NodeInfo) -> None:
        self._count(cycle, cycle.notes[self.name], info, node, -1)

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        counts: _Counts = cycle.notes[self.name]
        if not self._affinity_holds(cycle, counts, node):
            return Refusal(("node(s) didn't match pod affinity rules",), final=True)
        if any(
            counts.anti[(t.topology_key, node.labels.get(t.topology_key, ""))] > 0 for t in cycle.info.anti_affinity
        ):
            return Refusal(("node(s) didn't match pod anti-affinity rules",))
        if any(counts.existing_anti[pair] > 0 for pair in node.labels.items()):
            return Refusal(("node(s) didn't satisfy existing pods anti-affinity rules",))
        return None

    def _affinity_holds(self, cycle: Cycle, counts: _Counts, node: NodeInfo) -> bool:
        terms = cycle.info.affinity
        if any(term.topology_key not in node.labels for term in terms):
            return False
        if all(counts.affinity[(t.topology_key, node.labels[t.topology_key])] > 0 for t in terms):
            return True
        first_of_its_kind = not +counts.affinity and _all_match(terms, cycle.pod, cycle.cache.namespace_labels)
        return first_of_its_kind

    # -- preferences -------------------------------------------------------------------------------------------

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> bool:
        weights: Counter[Pair] = Counter()
        for info, node in cycle.cache.pods():
            self._weigh(cycle, weights, info, node)
        cycle.notes[f"{self.name} score"] = weights
        return bool(weights)

    def _weigh(self, cycle: Cycle, weights: Counter[Pair], info: PodInfo, node: NodeInfo) -> None:
        labels = cycle.cache.namespace_labels
        ours = [(t, t.weight) for t in cycle.info.preferred_affinity]
        ours += [(t, -t.weight) for t in cycle.info.preferred_anti_affinity]
        theirs = [(t, _HARD_WEIGHT) for t in info.affinity] + [(t, t.weight) for t in info.preferred_affinity]
        theirs += [(t, -t.weight) for t in info.preferred_anti_affinity]
        for terms, subject in ((ours, info.pod), (theirs, cycle.pod)):
            for term, weight in terms:
                if term.topology_key in node.labels and term.matches(subject, labels):
                    weights[(term.topology_key, node.labels[term.topology_key])] += weight

    def score(self, cycle: Cycle, node: NodeInfo) -> float:
        weights: Counter[Pair] = cycle.notes[f"{self.name} score"]
        return sum(weights[pair] for pair in node.labels.items() if pair in weights)

    def normalize(self, cycle: Cycle, scores: dict[str, float]) -> dict[str, float]:
        low, high = min(scores.values()), max(scores.values())
        if high == low:
            return dict.fromkeys(scores, 0.0)
        return {name: float(int(MAX_SCORE * (score - low) / (high - low))) for name, score in scores.items()}
