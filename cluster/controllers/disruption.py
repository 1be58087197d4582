"""PodDisruptionBudgets: how many pods of a kind may be taken away on purpose just now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.controllers.context import Context
from cluster.controllers.rollout import replicas, scaled
from cluster.machinery import pods as podlib
from cluster.machinery.clock import parse_time, rfc3339
from cluster.machinery.events import NORMAL
from cluster.machinery.owners import controller_uid
from cluster.machinery.resources import (
    DEPLOYMENTS,
    DISRUPTION_BUDGET,
    DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
)
from cluster.machinery.selecting import label_selector, labels_of
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

_DISRUPTION_EXPIRES = 120.0


def counts(budget: Obj, pods: Sequence[Obj], scale: int) -> tuple[int, int]:
    """(expected pods, desired healthy); `scale` is what the pods' controllers want altogether."""
    spec = budget["spec"]
    most = spec.get("maxUnavailable")
    if most is not None:
        return scale, max(scale - scaled(most, scale, up=True), 0)
    least = spec.get("minAvailable")
    if isinstance(least, str):
        return scale, scaled(least, scale, up=True)
    return len(pods), int(least if least is not None else 1)


def status(budget: Obj, pods: Sequence[Obj], scale: int, disrupted: dict[str, str], now: float) -> dict[str, Any]:
    expected, desired = counts(budget, pods, scale)
    healthy = sum(
        podlib.ready(p) and not p["metadata"].get("deletionTimestamp") and p["metadata"]["name"] not in disrupted
        for p in pods
    )
    allowed = max(healthy - desired, 0) if expected > 0 else 0
    generation = budget["metadata"].get("generation") or 0
    out: dict[str, Any] = {
        "observedGeneration": generation,
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": [_condition(budget, allowed, generation, now)],
    }
    if disrupted:
        out["disruptedPods"] = disrupted
    return out


def _condition(budget: Obj, allowed: int, generation: int, now: float) -> dict[str, Any]:
    value = "True" if allowed else "False"
    old = podlib.condition(budget, "DisruptionAllowed")
    since = old["lastTransitionTime"] if old is not None and old["status"] == value else rfc3339(now)
    return {
        "type": "DisruptionAllowed",
        "status": value,
        "observedGeneration": generation,
        "lastTransitionTime": since,
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
    }


def still_disrupted(budget: Obj, pods: Sequence[Obj], now: float) -> dict[str, str]:
    """Evictions granted, whose pods do not show a deletion yet; after two minutes they are taken to have failed."""
    waiting = {p["metadata"]["name"] for p in pods if not p["metadata"].get("deletionTimestamp")}
    noted = (budget.get("status") or {}).get("disruptedPods") or {}
    return {n: t for n, t in noted.items() if n in waiting and parse_time(t) + _DISRUPTION_EXPIRES > now}


class DisruptionController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._budgets, self._pods = context.informers.of(DISRUPTION_BUDGETS), context.informers.of(PODS)
        kinds = {
            "ReplicaSet": REPLICA_SETS,
            "StatefulSet": STATEFUL_SETS,
            "ReplicationController": REPLICATION_CONTROLLERS,
            "Deployment": DEPLOYMENTS,
        }
        self._owners = {kind: context.informers.of(gvr) for kind, gvr in kinds.items()}
        self._recorder = context.recorder("controllermanager")
        watched = [self._budgets, self._pods, *self._owners.values()]
        self.loop = context.controller("disruption", self.reconcile, watched, workers=1)
        self._budgets.add_handler(self._budget_changed)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _budget_changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self.loop.queue.add(key_of(new))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        for pod in (old, new):
            for budget in self._budgets.list(pod["metadata"]["namespace"]) if pod is not None else ():
                if label_selector(budget["spec"].get("selector"))(labels_of(pod or {})):
                    self.loop.queue.add(key_of(budget))

    async def reconcile(self, key: ObjectKey) -> float | None:
        found = self._budgets.get(key.name, key.namespace)
        if found is None:
            return None
        budget = {**found, "apiVersion": DISRUPTION_BUDGET.api_version, "kind": DISRUPTION_BUDGET.kind}
        selects = label_selector(budget["spec"].get("selector"))
        pods = [pod for pod in self._pods.list(key.namespace) if selects(labels_of(pod))]
        if not pods:
            self._recorder.event(budget, DISRUPTION_BUDGET, NORMAL, "NoPods", "No matching pods found")
        now = self._context.clock.now()
        disrupted = still_disrupted(budget, pods, now)
        new = status(budget, pods, self._scale(pods), disrupted, now)
        if new != budget.get("status"):
            await self._client.update(DISRUPTION_BUDGETS, {**budget, "status": new}, subresource="status")
        ends = [parse_time(since) + _DISRUPTION_EXPIRES - now for since in disrupted.values()]
        return min(ends) if ends else None

    def _scale(self, pods: Sequence[Obj]) -> int:
        """Replicas wanted by the controllers of the pods, each counted once; a pod without one counts itself."""
        wanted: dict[str, int] = {}
        for pod in pods:
            ref = next((r for r in pod["metadata"].get("ownerReferences") or () if r.get("controller")), None)
            if ref is None:
                wanted[pod["metadata"]["uid"]] = 1
                continue
            owner = self._topmost(ref, pod["metadata"]["namespace"])
            if owner is not None:
                wanted[owner["metadata"]["uid"]] = replicas(owner)
        return sum(wanted.values())

    def _topmost(self, ref: dict[str, Any], namespace: str) -> Obj | None:
        informer = self._owners.get(ref["kind"])
        owner = informer.get(ref["name"], namespace) if informer is not None else None
        if owner is None or owner["metadata"]["uid"] != ref["uid"]:
            return None
        if ref["kind"] == "ReplicaSet" and controller_uid(owner):
            above = next(r for r in owner["metadata"]["ownerReferences"] if r.get("controller"))
            return self._topmost(above, namespace)
        return owner


def start(context: Context) -> DisruptionController:
    return DisruptionController(context)
