"""The contract between the scheduler and its plugins.

A cycle for one pod: `pre_filter` once; `filter` for each node until a plugin objects; if none fits, `post_filter`;
else `score` (0..100 after `normalize`) and the best node; `reserve`, and `pre_bind` before the binding is written.
A plugin implements what it needs of `Plugin`, whose defaults object to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cluster.meta.types import Obj
from cluster.scheduler.snapshot import Cache, NodeInfo, PodInfo

MAX_SCORE = 100


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plugin objects. `final`: deleting other pods would not help. `plugin` names it for later events."""

    reasons: tuple[str, ...]
    final: bool = False
    plugin: str = ""


class Event(StrEnum):
    """What may make an unschedulable pod schedulable."""

    NODE_ADDED = "node added"
    NODE_CHANGED = "node changed"
    POD_ADDED = "assigned pod added"
    POD_CHANGED = "assigned pod changed"
    POD_REMOVED = "assigned pod removed"
    SELF_CHANGED = "pod itself changed"
    VOLUME = "volumes or claims changed"
    NAMESPACE = "namespace changed"


@dataclass(slots=True)
class Cycle:
    """One pod's scheduling cycle: the picture it is decided upon and plugins' notes by plugin name."""

    cache: Cache
    info: PodInfo
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def pod(self) -> Obj:
        return self.info.pod


class Plugin:
    """A plugin that objects to nothing and prefers nothing."""

    name = ""
    weight = 1
    events: frozenset[Event] = frozenset()
    """Events after which a pod this plugin refused is worth another try."""
    scores = False

    def pre_filter(self, cycle: Cycle) -> Refusal | None:
        return None

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        return None

    def add_pod(self, cycle: Cycle, info: PodInfo, node: NodeInfo) -> None:
        """`info` would be on the node too: adjust the notes (preemption tries things out)."""

    def remove_pod(self, cycle: Cycle, info: PodInfo, node: NodeInfo) -> None:
        """`info` would not be on the node."""

    def pre_score(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> bool:
        """Whether there is anything to score for this pod."""
        return True

    def score(self, cycle: Cycle, node: NodeInfo) -> float:
        return 0

    def normalize(self, cycle: Cycle, scores: dict[str, float]) -> dict[str, float]:
        return scores

    def helps(self, event: Event, pod: Obj, old: Obj | None, new: Obj | None) -> bool:
        """Whether this very event could undo the refusal of this very pod."""
        return True


def normalized(scores: dict[str, float], *, reverse: bool = False) -> dict[str, float]:
    """Scaled so that the highest becomes 100; `reverse` turns a cost into a score."""
    highest = max(scores.values(), default=0)
    if highest == 0:
        return dict.fromkeys(scores, float(MAX_SCORE)) if reverse else scores
    scaled = {name: int(MAX_SCORE * score / highest) for name, score in scores.items()}
    return {name: float(MAX_SCORE - s if reverse else s) for name, s in scaled.items()}


@dataclass(slots=True)
class Diagnosis:
    """Why a pod fits nowhere: refusals by node, or one refusal for all."""

    nodes: int
    refusals: dict[str, Refusal] = field(default_factory=dict)
    overall: Refusal | None = None
    suggestion: str = ""

    def plugins(self) -> set[str]:
        if self.overall is not None:
            return {self.overall.plugin}
        return {refusal.plugin for refusal in self.refusals.values()}

    def message(self) -> str:
        """`0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. …`."""
        if self.nodes == 0 and self.overall is None:
            return "no nodes available to schedule pods"
        text = f"0/{self.nodes} nodes are available: "
        if self.overall is not None:
            text += f"{self.overall.reasons[0]}."
        else:
            text += f"{histogram(self.refusals)}."
        return f"{text} {self.suggestion}" if self.suggestion else text


def histogram(refusals: dict[str, Refusal]) -> str:
    """Reasons with how many nodes gave them, sorted as text."""
    counts: dict[str, int] = {}
    for refusal in refusals.values():
        for reason in refusal.reasons:
            counts[reason] = counts.get(reason, 0) + 1
    return ", ".join(sorted(f"{number} {reason}" for reason, number in counts.items()))
