"""ReplicaSets and ReplicationControllers: keep so many pods. One controller, told apart by a Flavor.

The order in which surplus pods go, and the words of events and conditions, are upstream's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.controllers.context import Context
from cluster.controllers.pod_control import PodControl, namespace_terminating, pod_from_template, slow_start
from cluster.machinery import pods as podlib
from cluster.machinery.clock import parse_time, rfc3339
from cluster.machinery.expectations import Expectations
from cluster.machinery.informer import Informer
from cluster.machinery.owners import Claimer, controller_uid
from cluster.machinery.resources import (
    PODS,
    REPLICA_SET,
    REPLICA_SETS,
    REPLICATION_CONTROLLER,
    REPLICATION_CONTROLLERS,
)
from cluster.machinery.selecting import Predicate, equality, label_selector, labels_of
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import key as key_of
from cluster.meta.types import GroupVersionKind, GroupVersionResource, Obj, ObjectKey

_BURST = 500
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


@dataclass(frozen=True, slots=True)
class Flavor:
    gvr: GroupVersionResource
    gvk: GroupVersionKind
    component: str
    selector: Callable[[Obj], Predicate]


REPLICASET = Flavor(
    REPLICA_SETS, REPLICA_SET, "replicaset-controller", lambda rs: label_selector(rs["spec"].get("selector"))
)
REPLICATION = Flavor(
    REPLICATION_CONTROLLERS,
    REPLICATION_CONTROLLER,
    "replication-controller",
    lambda rc: equality(rc["spec"].get("selector")),
)


def wanted(rs: Obj) -> int:
    replicas = rs["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


# -- the plan ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    create: int
    delete: tuple[Obj, ...]


def plan(rs: Obj, active: Sequence[Obj], related: Sequence[Obj], now: float) -> Plan:
    """How many pods to create, or which to delete. `related` are active pods of the ReplicaSets under the same owner:
    a node crowded with them loses pods first."""
    surplus = len(active) - wanted(rs)
    if surplus < 0:
        return Plan(min(-surplus, _BURST), ())
    if surplus == 0:
        return Plan(0, ())
    surplus = min(surplus, _BURST)
    if surplus == len(active):
        return Plan(0, tuple(active))
    crowd: dict[str, int] = {}
    for pod in related:
        crowd[podlib.node_name(pod)] = crowd.get(podlib.node_name(pod), 0) + 1
    ranked = sorted(active, key=lambda pod: deletion_rank(pod, crowd.get(podlib.node_name(pod), 0), now))
    return Plan(0, tuple(ranked[:surplus]))


def deletion_rank(pod: Obj, crowd: int, now: float) -> tuple[Any, ...]:
    """Smallest goes first: unassigned, pending, not ready, cheap, crowded, ready for a short time, restarted, young."""
    is_ready = podlib.ready(pod)
    return (
        bool(podlib.node_name(pod)),
        {"Pending": 0, "Unknown": 1, "Running": 2}.get(podlib.phase(pod), 0),
        is_ready,
        deletion_cost(pod),
        -crowd,
        _log_age(podlib.ready_since(pod), now) if is_ready else 0,
        -podlib.restarts(pod),
        _log_age(parse_time(pod["metadata"].get("creationTimestamp")), now),
        pod["metadata"].get("uid") or "",
    )


def _log_age(since: float, now: float) -> int:
    """Ages within a factor of two count as equal, so that which of them goes is left to chance (the uid)."""
    if not since:
        return -1
    age = now - since
    return int(math.log2(age * 1e9)) if age > 0 else -1


def deletion_cost(pod: Obj) -> int:
    try:
        return int((pod["metadata"].get("annotations") or {}).get(DELETION_COST) or 0)
    except ValueError:
        return 0


def status(rs: Obj, active: Sequence[Obj], ending: int, failure: StatusError | None, now: float) -> dict[str, Any]:
    """The new status, with `ending` pods still terminating and the error of managing replicas, if any."""
    labels = (rs["spec"].get("template") or {}).get("metadata", {}).get("labels")
    min_ready = rs["spec"].get("minReadySeconds") or 0
    counts = {
        "fullyLabeledReplicas": sum(map(equality(labels), map(labels_of, active))) if labels else len(active),
        "readyReplicas": sum(map(podlib.ready, active)),
        "availableReplicas": sum(podlib.available(pod, min_ready, now) for pod in active),
    }
    old = rs.get("status") or {}
    out: dict[str, Any] = {"replicas": len(active), **{k: v for k, v in counts.items() if v}}
    if rs["kind"] == REPLICA_SET.kind:
        out["terminatingReplicas"] = ending
    out["observedGeneration"] = rs["metadata"].get("generation") or 0
    conditions = failure_conditions(old.get("conditions") or [], len(active) - wanted(rs), failure, now)
    if conditions:
        out["conditions"] = conditions
    return out


def failure_conditions(
    conditions: list[dict[str, Any]], surplus: int, failure: StatusError | None, now: float
) -> list[dict[str, Any]]:
    """Set ReplicaFailure when managing failed, remove it when it did not; an existing one keeps its words."""
    present = any(c["type"] == "ReplicaFailure" for c in conditions)
    if failure is None:
        return [c for c in conditions if c["type"] != "ReplicaFailure"]
    if present:
        return conditions
    reason = "FailedCreate" if surplus < 0 else "FailedDelete" if surplus > 0 else ""
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": rfc3339(now),
        "reason": reason,
        "message": str(failure),
    }
    return [*conditions, condition]


# -- the controller ------------------------------------------------------------------------------------------


def pods_by_controller(informer: Informer) -> None:
    """The index `controller`: pods by the uid of their controller, orphans under the empty string with namespace."""
    informer.add_index("controller", lambda pod: (controller_uid(pod) or f"orphan:{pod['metadata']['namespace']}",))


class ReplicaController:
    def __init__(self, context: Context, flavor: Flavor) -> None:
        self._context, self._flavor = context, flavor
        self._sets = context.informers.of(flavor.gvr)
        self._pods = context.informers.of(PODS)
        pods_by_controller(self._pods)
        self._sets.add_index("owner", lambda rs: (controller_uid(rs),))
        self._expectations = Expectations(context.clock)
        self._control = PodControl(context.client, context.recorder(flavor.component), flavor.gvk)
        self._claimer = Claimer(context.client, flavor.gvk, flavor.gvr, PODS)
        self.loop = context.controller(flavor.component, self.reconcile, [self._sets, self._pods], workers=5)
        self._sets.add_handler(self._set_changed)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _set_changed(self, old: Obj | None, new: Obj | None) -> None:
        changed = new or old
        assert changed is not None
        if new is None:
            self._expectations.forget(key_of(changed))
        self.loop.queue.add(key_of(changed))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        if (
            old is not None
            and new is not None
            and old["metadata"].get("ownerReferences") != new["metadata"].get("ownerReferences")
        ):
            self._enqueue_owner(old)
        pod = new or old
        assert pod is not None
        owner = self._enqueue_owner(pod)
        if owner is not None:
            self._observe(owner, old, new, pod)
        elif new is not None and not controller_uid(pod):
            self._enqueue_matching(pod)

    def _observe(self, owner: Obj, old: Obj | None, new: Obj | None, pod: Obj) -> None:
        key = key_of(owner)
        if new is None or new["metadata"].get("deletionTimestamp"):
            self._expectations.deleted(key, pod["metadata"]["uid"])
        if old is None:
            self._expectations.created(key)
        if new is not None and old is not None and podlib.ready(new) and not podlib.ready(old):
            wait = owner["spec"].get("minReadySeconds") or 0
            if wait:
                self.loop.queue.add_after(key, wait + 1)

    def _enqueue_owner(self, pod: Obj) -> Obj | None:
        for ref in pod["metadata"].get("ownerReferences") or ():
            if ref.get("controller") and ref.get("kind") == self._flavor.gvk.kind:
                owner = self._sets.get(ref["name"], pod["metadata"]["namespace"])
                if owner is not None and owner["metadata"]["uid"] == ref["uid"]:
                    self.loop.queue.add(key_of(owner))
                    return owner
        return None

    def _enqueue_matching(self, pod: Obj) -> None:
        labels = labels_of(pod)
        if not labels:
            return
        for rs in self._sets.list(pod["metadata"]["namespace"]):
            if self._flavor.selector(rs)(labels):
                self.loop.queue.add(key_of(rs))

    async def reconcile(self, key: ObjectKey) -> float | None:
        rs = self._sets.get(key.name, key.namespace)
        if rs is None:
            self._expectations.forget(key)
            return None
        settled = self._expectations.satisfied(key)
        selects = self._flavor.selector(rs)
        mine = await self._claimer.claim(rs, self._candidates(rs), lambda pod: selects(labels_of(pod)))
        active = [pod for pod in mine if podlib.active(pod)]
        failure = None
        if settled and not rs["metadata"].get("deletionTimestamp"):
            failure = await self._manage(rs, active)
        ending = sum(map(podlib.terminating, self._pods.by_index("controller", rs["metadata"]["uid"])))
        await self._write_status(rs, active, ending, failure)
        if failure is not None:
            raise failure
        return self._next_look(rs, active)

    def _candidates(self, rs: Obj) -> Iterable[Obj]:
        """Its own pods, whatever their state (release looks at all), and active orphans."""
        meta = rs["metadata"]
        own = self._pods.by_index("controller", meta["uid"])
        orphans = self._pods.by_index("controller", f"orphan:{meta['namespace']}")
        return [pod for pod in [*own, *orphans] if podlib.active(pod)]

    async def _manage(self, rs: Obj, active: Sequence[Obj]) -> StatusError | None:
        decided = plan(rs, active, self._related(rs), self._context.clock.now())
        if decided.create:
            return await self._create(rs, decided.create)
        if decided.delete:
            return await self._delete(rs, decided.delete)
        return None

    def _related(self, rs: Obj) -> list[Obj]:
        owner = controller_uid(rs)
        sets = self._sets.by_index("owner", owner) if owner else [rs]
        found = [pod for one in sets for pod in self._pods.by_index("controller", one["metadata"]["uid"])]
        return [pod for pod in found if podlib.active(pod)]

    async def _create(self, rs: Obj, number: int) -> StatusError | None:
        key = key_of(rs)
        self._expectations.expect(key, creations=number)

        async def one(_: int) -> None:
            try:
                await self._control.create(pod_from_template(rs["spec"]["template"], rs, self._flavor.gvk), rs)
            except StatusError as error:
                if not namespace_terminating(error):
                    raise

        done, failure = await slow_start(number, one)
        self._expectations.created(key, number - done)
        return failure

    async def _delete(self, rs: Obj, doomed: Sequence[Obj]) -> StatusError | None:
        key = key_of(rs)
        self._expectations.expect(key, deletions=[pod["metadata"]["uid"] for pod in doomed])

        async def one(index: int) -> None:
            try:
                await self._control.delete(doomed[index], rs)
            except StatusError as error:
                self._expectations.deleted(key, doomed[index]["metadata"]["uid"])
                if not is_not_found(error):
                    raise

        return (await slow_start(len(doomed), one, first=len(doomed)))[1]

    async def _write_status(self, rs: Obj, active: Sequence[Obj], ending: int, failure: StatusError | None) -> None:
        rs = {**rs, "kind": self._flavor.gvk.kind, "apiVersion": self._flavor.gvk.api_version}
        new = status(rs, active, ending, failure, self._context.clock.now())
        if new == rs.get("status"):
            return
        try:
            await self._context.client.update(self._flavor.gvr, {**rs, "status": new}, subresource="status")
        except StatusError as error:
            if not is_not_found(error):
                raise

    def _next_look(self, rs: Obj, active: Sequence[Obj]) -> float | None:
        min_ready = rs["spec"].get("minReadySeconds") or 0
        if not min_ready:
            return None
        now = self._context.clock.now()
        waits = [left for pod in active if (left := podlib.available_in(pod, min_ready, now)) is not None]
        return min(waits) + 0.01 if waits else None


def start(context: Context) -> ReplicaController:
    return ReplicaController(context, REPLICASET)


def start_replication(context: Context) -> ReplicaController:
    return ReplicaController(context, REPLICATION)
