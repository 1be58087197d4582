"""DefaultPreemption: which less important pods would have to go, on which node, so that a pod fits.

On each node where that can help, all lower-priority pods are taken away; if the pod then fits, they are put back
one by one, the most important first, as long as it still does. What stays away are the victims. The node with the
least harm wins: fewest disruption budgets broken, then the lowest priorities, then the fewest victims.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cluster.machinery.clock import parse_time
from cluster.machinery.selecting import label_selector, labels_of
from cluster.meta.types import Obj
from cluster.scheduler.framework import Cycle, Diagnosis, Plugin, Refusal, histogram
from cluster.scheduler.snapshot import NodeInfo, PodInfo

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
_PREFIX = "no new claims to deallocate, preemption: "

Fits = Callable[[Cycle, NodeInfo], Refusal | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    node: str
    victims: tuple[PodInfo, ...]
    broken_budgets: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A candidate, or why there is none, in the words that follow the FailedScheduling message."""

    candidate: Candidate | None
    suggestion: str = ""


def importance(info: PodInfo) -> tuple[int, float]:
    """Sorts the most important first: high priority, then running for longer."""
    return -info.priority, _start(info)


def _start(info: PodInfo) -> float:
    return parse_time((info.pod.get("status") or {}).get("startTime")) or float("inf")


def preempt(
    cycle: Cycle, diagnosis: Diagnosis, plugins: Sequence[Plugin], fits: Fits, budgets: Sequence[Obj]
) -> Outcome:
    """Decide for the pod of the cycle, whose plain scheduling failed as diagnosed."""
    refusal = _not_eligible(cycle)
    if refusal:
        return Outcome(None, f"{_PREFIX}{refusal}")
    verdicts: dict[str, Refusal] = {}
    candidates = []
    for node in cycle.cache.nodes():
        why = diagnosis.refusals.get(node.name)
        if why is None or why.final:
            verdicts[node.name] = Refusal((NOT_HELPFUL,))
            continue
        found = _victims_on(cycle, node, plugins, fits, budgets)
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            verdicts[node.name] = found
    if candidates:
        return Outcome(min(candidates, key=_harm))
    return Outcome(None, f"{_PREFIX}0/{diagnosis.nodes} nodes are available: {histogram(verdicts)}.")


def _not_eligible(cycle: Cycle) -> str:
    if cycle.pod["spec"].get("preemptionPolicy") == "Never":
        return "not eligible due to preemptionPolicy=Never."
    nominated = (cycle.pod.get("status") or {}).get("nominatedNodeName")
    node = cycle.cache.node(nominated) if nominated else None
    if node is not None:
        for info in node.pods.values():
            if info.pod["metadata"].get("deletionTimestamp") and info.priority < cycle.info.priority:
                return "not eligible due to a terminating pod on the nominated node."
    return ""


def _victims_on(
    cycle: Cycle, real: NodeInfo, plugins: Sequence[Plugin], fits: Fits, budgets: Sequence[Obj]
) -> Candidate | Refusal:
    node = real.copy()
    lower = [info for info in node.pods.values() if info.priority < cycle.info.priority]
    if not lower:
        return Refusal((NO_VICTIMS,))

    def take(info: PodInfo) -> None:
        node.remove(info.uid)
        for plugin in plugins:
            plugin.remove_pod(cycle, info, node)

    def put(info: PodInfo) -> None:
        node.add(info)
        for plugin in plugins:
            plugin.add_pod(cycle, info, node)

    for info in lower:
        take(info)
    refusal = fits(cycle, node)
    if refusal is None:
        victims, broken = _reprieve(cycle, node, sorted(lower, key=importance), fits, budgets, take, put)
    else:
        victims, broken = list(lower), 0
    for info in victims:
        put(info)
    return Candidate(real.name, tuple(sorted(victims, key=importance)), broken) if refusal is None else refusal


def _reprieve(
    cycle: Cycle,
    node: NodeInfo,
    lower: Sequence[PodInfo],
    fits: Fits,
    budgets: Sequence[Obj],
    take: Callable[[PodInfo], None],
    put: Callable[[PodInfo], None],
) -> tuple[list[PodInfo], int]:
    """Those that cannot stay, and how many of them break a budget; budget breakers are spared first."""
    breaking = _breaking(lower, budgets)
    victims: list[PodInfo] = []
    broken = 0
    for info in [i for i in lower if i.uid in breaking] + [i for i in lower if i.uid not in breaking]:
        put(info)
        if fits(cycle, node) is not None:
            take(info)
            victims.append(info)
            broken += info.uid in breaking
    return victims, broken


def _breaking(pods: Sequence[PodInfo], budgets: Sequence[Obj]) -> set[str]:
    """Pods whose going would break a budget that has nothing left to allow."""
    allowed = {id(b): (b.get("status") or {}).get("disruptionsAllowed") or 0 for b in budgets}
    out: set[str] = set()
    for info in pods:
        for budget in budgets:
            if budget["metadata"]["namespace"] != info.pod["metadata"]["namespace"]:
                continue
            if not labels_of(info.pod) or not label_selector(budget["spec"].get("selector"))(labels_of(info.pod)):
                continue
            if info.pod["metadata"]["name"] in ((budget.get("status") or {}).get("disruptedPods") or {}):
                continue
            allowed[id(budget)] -= 1
            if allowed[id(budget)] < 0:
                out.add(info.uid)
    return out


def _harm(candidate: Candidate) -> tuple[float, ...]:
    victims = candidate.victims
    highest = victims[0].priority if victims else -(2**31)
    earliest = min((_start(v) for v in victims if v.priority == highest), default=0.0)
    return (candidate.broken_budgets, highest, sum(v.priority + 2**31 for v in victims), len(victims), -earliest)
