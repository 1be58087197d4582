"""NodeAffinity: nodeSelector and node affinity, required and preferred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cluster.meta.types import Obj
from cluster.scheduler.framework import Cycle, Event, Plugin, Refusal, normalized
from cluster.scheduler.snapshot import NodeInfo

_REASON = "node(s) didn't match Pod's node affinity/selector"


def matches_expression(expression: dict[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or ()
    present = key in labels
    if operator == "In":
        return present and labels[key] in values
    if operator == "NotIn":
        return not present or labels[key] not in values
    if operator == "Exists":
        return present
    if operator == "DoesNotExist":
        return not present
    return present and _compare(operator, labels[key], values)


def _compare(operator: str, label: str, values: Sequence[str]) -> bool:
    try:
        have, limit = int(label), int(values[0])
    except (ValueError, IndexError):
        return False
    return have > limit if operator == "Gt" else have < limit


def matches_term(term: dict[str, Any], node: NodeInfo) -> bool:
    """An empty term matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    named = {"metadata.name": node.name}
    return all(matches_expression(e, node.labels) for e in expressions) and all(
        matches_expression(f, named) for f in fields
    )


def matches_selector(selector: dict[str, Any] | None, node: NodeInfo) -> bool:
    """A NodeSelector: any of its terms; no selector matches every node."""
    if selector is None:
        return True
    return any(matches_term(term, node) for term in selector.get("nodeSelectorTerms") or ())


def matches_pod(pod: Obj, node: NodeInfo) -> bool:
    """Both nodeSelector and the required affinity of the pod."""
    wanted = pod["spec"].get("nodeSelector") or {}
    if any(node.labels.get(k) != v for k, v in wanted.items()):
        return False
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    return matches_selector(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"), node)


class NodeAffinity(Plugin):
    name = "NodeAffinity"
    weight = 2
    scores = True
    events = frozenset({Event.NODE_ADDED, Event.NODE_CHANGED, Event.SELF_CHANGED})

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        return None if matches_pod(cycle.pod, node) else Refusal((_REASON,), final=True)

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> bool:
        return bool(self._preferred(cycle))

    def score(self, cycle: Cycle, node: NodeInfo) -> float:
        return float(sum(p["weight"] for p in self._preferred(cycle) if matches_term(p.get("preference") or {}, node)))

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
        return matches_pod(pod, node)
