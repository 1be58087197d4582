"""The scheduler itself: takes pods from the queue one at a time, decides, and writes what it decided.

Deciding is synchronous and looks at one picture of the cluster; writing (the binding, or why there is none) runs
beside the next decision, which already counts the pod as placed.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.client.interface import Client
from cluster.machinery import pods as podlib
from cluster.machinery.clock import Clock, rfc3339
from cluster.machinery.events import NORMAL, WARNING, EventSink
from cluster.machinery.informer import Informers
from cluster.machinery.owners import STRATEGIC
from cluster.machinery.resources import (
    CLAIMS,
    DISRUPTION_BUDGETS,
    NAMESPACES,
    NODES,
    POD,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    SERVICES,
    STATEFUL_SETS,
    STORAGE_CLASSES,
    VOLUMES,
)
from cluster.machinery.selecting import Predicate, equality, label_selector, labels_of
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.types import Obj
from cluster.scheduler.framework import Cycle, Diagnosis, Event, Plugin, Refusal
from cluster.scheduler.plugins.interpod_affinity import InterPodAffinity
from cluster.scheduler.plugins.node_affinity import NodeAffinity
from cluster.scheduler.plugins.node_basics import NodeName, NodeUnschedulable, TaintToleration
from cluster.scheduler.plugins.resources import NodePorts, NodeResourcesBalancedAllocation, NodeResourcesFit
from cluster.scheduler.plugins.topology_spread import PodTopologySpread
from cluster.scheduler.plugins.volumes import SELECTED_NODE, VolumeBinding
from cluster.scheduler.preemption import Candidate, preempt
from cluster.scheduler.queue import SchedulingQueue, Waiting
from cluster.scheduler.snapshot import Cache, NodeInfo, PodInfo

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decision:
    """A node, or the diagnosis of why there is none."""

    node: str = ""
    diagnosis: Diagnosis | None = None


class Scheduler:
    """`run()` schedules the pods whose schedulerName is `name` until cancelled."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        informers: Informers,
        events: EventSink,
        *,
        name: str = "default-scheduler",
        chance: random.Random | None = None,
    ) -> None:
        self._client, self._clock, self._name = client, clock, name
        self._recorder = events.recorder(name, name)
        self._chance = chance or random.Random()
        self._cache = Cache()
        self._queue = SchedulingQueue(clock)
        self._nominated: dict[str, tuple[str, PodInfo]] = {}
        self._pods, self._nodes = informers.of(PODS), informers.of(NODES)
        self._claims, self._volumes = informers.of(CLAIMS), informers.of(VOLUMES)
        self._classes, self._budgets = informers.of(STORAGE_CLASSES), informers.of(DISRUPTION_BUDGETS)
        self._namespaces, self._services = informers.of(NAMESPACES), informers.of(SERVICES)
        self._owners = {
            gvr.resource: informers.of(gvr) for gvr in (REPLICA_SETS, STATEFUL_SETS, REPLICATION_CONTROLLERS)
        }
        self._volume_binding = VolumeBinding(self._claims, self._volumes, self._classes)
        self._plugins: tuple[Plugin, ...] = (
            NodeUnschedulable(),
            NodeName(),
            TaintToleration(),
            NodeAffinity(),
            NodePorts(),
            NodeResourcesFit(),
            self._volume_binding,
            PodTopologySpread(self._spread_with),
            InterPodAffinity(),
            NodeResourcesBalancedAllocation(),
        )
        self._by_name = {plugin.name: plugin for plugin in self._plugins}
        self._scorers = [plugin for plugin in self._plugins if plugin.scores]
        self._tasks: asyncio.TaskGroup | None = None
        self._listen()

    @property
    def idle(self) -> bool:
        return self._queue.idle

    async def run(self) -> None:
        watched = [self._pods, self._nodes, self._claims, self._volumes, self._classes, self._namespaces]
        for informer in [*watched, self._services, self._budgets, *self._owners.values()]:
            await informer.synced.wait()
        async with asyncio.TaskGroup() as group:
            self._tasks = group
            while True:
                self._try_one(await self._queue.pop())
                await asyncio.sleep(0)

    # -- following the cluster ---------------------------------------------------------------------------------

    def _listen(self) -> None:
        self._pods.add_handler(self._pod_changed)
        self._nodes.add_handler(self._node_changed)
        self._namespaces.add_handler(self._namespace_changed)
        for informer in (self._claims, self._volumes, self._classes):
            informer.add_handler(lambda old, new: self._happened(Event.VOLUME, old, new))

    def _happened(self, event: Event, old: Obj | None, new: Obj | None) -> None:
        def helps(entry: Waiting) -> bool:
            if not entry.refused_by:
                return True
            plugins = (self._by_name[name] for name in entry.refused_by if name in self._by_name)
            return any(event in p.events and p.helps(event, entry.pod, old, new) for p in plugins)

        self._queue.happened(helps)

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        pod = new or old
        assert pod is not None
        if new is None or podlib.terminal(new):
            self._pod_gone(pod)
        elif podlib.node_name(new):
            self._pod_placed(old, new)
        elif self._ours(new):
            self._pod_waits(old, new)

    def _ours(self, pod: Obj) -> bool:
        return (pod["spec"].get("schedulerName") or "default-scheduler") == self._name and not pod["metadata"].get(
            "deletionTimestamp"
        )

    def _pod_gone(self, pod: Obj) -> None:
        uid = pod["metadata"]["uid"]
        self._queue.remove(uid)
        self._nominated.pop(uid, None)
        self._cache.remove_pod(uid)
        if podlib.node_name(pod):
            self._happened(Event.POD_REMOVED, pod, None)

    def _pod_placed(self, old: Obj | None, new: Obj) -> None:
        uid = new["metadata"]["uid"]
        fresh = old is None or not podlib.node_name(old)
        self._nominated.pop(uid, None)
        self._queue.remove(uid)
        if fresh or self._cache.assumed(uid) or _matters(old, new):
            self._cache.set_pod(new)
            self._happened(Event.POD_ADDED if fresh else Event.POD_CHANGED, old, new)

    def _pod_waits(self, old: Obj | None, new: Obj) -> None:
        uid = new["metadata"]["uid"]
        if self._cache.assumed(uid):
            return
        if new["spec"].get("schedulingGates"):
            self._queue.gated(new)
        elif uid not in self._queue or (old is not None and old["spec"].get("schedulingGates")):
            self._queue.add(new)
        else:
            self._queue.update(new)
            if _matters(old, new):
                entry = self._queue.get(uid)
                self._queue.happened(lambda waiting: waiting is entry)

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        name = (new or old or {})["metadata"]["name"]
        self._cache.set_node(name, new)
        if new is None:
            return
        if old is None:
            self._happened(Event.NODE_ADDED, None, new)
        elif _node_matters(old, new):
            self._happened(Event.NODE_CHANGED, old, new)

    def _namespace_changed(self, old: Obj | None, new: Obj | None) -> None:
        name = (new or old or {})["metadata"]["name"]
        if new is None:
            self._cache.namespace_labels.pop(name, None)
        else:
            self._cache.namespace_labels[name] = labels_of(new)
            if old is not None and labels_of(old) != labels_of(new):
                self._happened(Event.NAMESPACE, old, new)

    def _spread_with(self, pod: Obj) -> Predicate | None:
        """What the pods to spread with have in common: the selectors of its services and of its owner."""
        namespace, labels = pod["metadata"].get("namespace") or "", labels_of(pod)
        tests = [
            equality(s["spec"]["selector"])
            for s in self._services.list(namespace)
            if s["spec"].get("selector") and equality(s["spec"]["selector"])(labels)
        ]
        for ref in pod["metadata"].get("ownerReferences") or ():
            informer = self._owners.get(
                {"ReplicaSet": "replicasets", "StatefulSet": "statefulsets"}.get(ref["kind"], "")
            )
            owner = informer.get(ref["name"], namespace) if informer is not None and ref.get("controller") else None
            if owner is not None:
                tests.append(label_selector(owner["spec"].get("selector")))
        return (lambda found: all(test(found) for test in tests)) if tests else None

    # -- deciding ----------------------------------------------------------------------------------------------

    def _try_one(self, entry: Waiting) -> None:
        """A fault in deciding about one pod must not keep the others waiting."""
        try:
            self._one(entry)
        except Exception:
            log.exception("scheduling %s failed", entry.uid)
            self._queue.failed(entry, frozenset(), error=True)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._tasks is not None
        self._tasks.create_task(_guarded(work))

    def _one(self, entry: Waiting) -> None:
        pod = self._pods.get(entry.pod["metadata"]["name"], entry.pod["metadata"]["namespace"])
        if pod is None or pod["metadata"]["uid"] != entry.uid or podlib.node_name(pod) or not self._ours(pod):
            self._queue.done(entry.uid)
            return
        entry.pod = pod
        cycle = Cycle(self._cache, PodInfo(pod))
        decision = self.decide(cycle)
        if decision.diagnosis is None:
            placed = self._cache.assume(cycle.info, decision.node)
            delayed = self._volume_binding.delayed(cycle)
            self._beside(self._bind(entry, placed, decision.node, delayed))
            return
        self._fail(entry, cycle, decision.diagnosis)

    def _fail(self, entry: Waiting, cycle: Cycle, diagnosis: Diagnosis) -> None:
        candidate = None
        if diagnosis.overall is not None:
            diagnosis.suggestion = "not found"
        elif diagnosis.nodes:
            outcome = preempt(cycle, diagnosis, self._plugins, self._fits, self._budgets.list())
            candidate, diagnosis.suggestion = outcome.candidate, outcome.suggestion
        if candidate is not None:
            self._nominated[entry.uid] = (candidate.node, cycle.info)
        self._queue.failed(entry, frozenset(diagnosis.plugins()))
        self._beside(self._tell(entry.pod, diagnosis.message(), candidate))

    def decide(self, cycle: Cycle) -> Decision:
        """Pure but for the random choice among equals."""
        nodes = cycle.cache.nodes()
        diagnosis = Diagnosis(len(nodes))
        if not nodes:
            return Decision(diagnosis=diagnosis)
        for plugin in self._plugins:
            refusal = plugin.pre_filter(cycle)
            if refusal is not None:
                diagnosis.overall = refusal
                return Decision(diagnosis=diagnosis)
        feasible = []
        for node in nodes:
            refusal = self._fits_with_nominated(cycle, node)
            if refusal is None:
                feasible.append(node)
            else:
                diagnosis.refusals[node.name] = refusal
        if not feasible:
            return Decision(diagnosis=diagnosis)
        return Decision(node=feasible[0].name if len(feasible) == 1 else self._best(cycle, feasible))

    def _fits(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        for plugin in self._plugins:
            refusal = plugin.filter(cycle, node)
            if refusal is not None:
                return Refusal(refusal.reasons, refusal.final, plugin.name)
        return None

    def _fits_with_nominated(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        """Room that more important pods have been promised is not given away."""
        promised = [
            info
            for uid, (name, info) in self._nominated.items()
            if name == node.name and uid != cycle.info.uid and info.priority >= cycle.info.priority
        ]
        if promised:
            crowded = node.copy()
            for info in promised:
                crowded.add(info)
                for plugin in self._plugins:
                    plugin.add_pod(cycle, info, crowded)
            refusal = self._fits(cycle, crowded)
            for info in promised:
                for plugin in self._plugins:
                    plugin.remove_pod(cycle, info, crowded)
            if refusal is not None:
                return refusal
        return self._fits(cycle, node)

    def _best(self, cycle: Cycle, nodes: Sequence[NodeInfo]) -> str:
        totals = dict.fromkeys((node.name for node in nodes), 0.0)
        for plugin in self._scorers:
            if not plugin.pre_score(cycle, nodes):
                continue
            scores = plugin.normalize(cycle, {node.name: plugin.score(cycle, node) for node in nodes})
            for name, score in scores.items():
                totals[name] += score * plugin.weight
        highest = max(totals.values())
        return self._chance.choice([name for name, total in totals.items() if total == highest])

    # -- writing -----------------------------------------------------------------------------------------------

    async def _bind(self, entry: Waiting, placed: PodInfo, node: str, delayed: Sequence[Obj]) -> None:
        meta = placed.pod["metadata"]
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
            "target": {"kind": "Node", "name": node},
        }
        try:
            await self._bind_volumes(delayed, node)
            await self._client.create(PODS, binding, meta["namespace"], subresource="binding", name=meta["name"])
        except (StatusError, OSError, TimeoutError) as error:
            await self._not_bound(entry, placed, error)
            return
        self._queue.done(entry.uid)
        self._recorder.action(
            entry.pod,
            POD,
            NORMAL,
            "Scheduled",
            "Binding",
            f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}",
        )

    async def _not_bound(self, entry: Waiting, placed: PodInfo, error: Exception) -> None:
        self._cache.forget(placed.uid)
        if isinstance(error, StatusError) and is_not_found(error):
            self._queue.done(entry.uid)
            return
        log.debug("binding %s: %s", entry.uid, error)
        self._queue.failed(entry, frozenset(), error=True)
        await self._tell(entry.pod, f'running Bind plugin "DefaultBinder": {error}', None, reason="SchedulerError")

    async def _bind_volumes(self, delayed: Sequence[Obj], node: str) -> None:
        """Ask for the delayed claims of the pod, then wait until they are bound."""
        if not delayed:
            return
        info = self._cache.node(node)
        taken: set[str] = set()
        for claim in delayed:
            volume = self._volume_binding.match(claim, info, taken) if info is not None else None
            if volume is not None:
                taken.add(volume["metadata"]["name"])
                await self._claim_volume(volume, claim)
            else:
                body = {"metadata": {"annotations": {SELECTED_NODE: node}}}
                await self._client.patch(CLAIMS, claim["metadata"]["name"], claim["metadata"]["namespace"], body)
        await asyncio.wait_for(self._all_bound(delayed), 600)

    async def _claim_volume(self, volume: Obj, claim: Obj) -> None:
        meta = claim["metadata"]
        ref = {
            "kind": "PersistentVolumeClaim",
            "apiVersion": "v1",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
        }
        body = {
            "metadata": {"annotations": {"pv.kubernetes.io/bound-by-controller": "yes"}},
            "spec": {"claimRef": ref},
        }
        await self._client.patch(VOLUMES, volume["metadata"]["name"], "", body)

    async def _all_bound(self, claims: Sequence[Obj]) -> None:
        changed = asyncio.Event()

        def note(_old: Obj | None, _new: Obj | None) -> None:
            changed.set()

        self._claims.add_handler(note)
        try:
            while not all(self._is_bound(claim) for claim in claims):
                changed.clear()
                await changed.wait()
        finally:
            self._claims.remove_handler(note)

    def _is_bound(self, claim: Obj) -> bool:
        found = self._claims.get(claim["metadata"]["name"], claim["metadata"]["namespace"])
        return found is not None and (found.get("status") or {}).get("phase") == "Bound"

    async def _tell(
        self, pod: Obj, message: str, candidate: Candidate | None, *, reason: str = "Unschedulable"
    ) -> None:
        """Event and condition of a failed try, and the preemption it led to."""
        self._recorder.action(pod, POD, WARNING, "FailedScheduling", "Scheduling", message)
        try:
            if candidate is not None:
                await self._evict(pod, candidate)
            await self._write_condition(pod, message, reason, candidate)
        except (StatusError, OSError) as error:
            log.debug("status of %s: %s", pod["metadata"]["name"], error)

    async def _write_condition(self, pod: Obj, message: str, reason: str, candidate: Candidate | None) -> None:
        meta = pod["metadata"]
        condition: dict[str, Any] = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
        if meta.get("generation"):
            condition["observedGeneration"] = meta["generation"]
        current = podlib.condition(pod, "PodScheduled") or {}
        status: dict[str, Any] = {}
        if candidate is not None:
            status["nominatedNodeName"] = candidate.node
        if any(current.get(k) != v for k, v in condition.items()):
            same = current.get("status") == "False"
            stamp = current.get("lastTransitionTime") if same else rfc3339(self._clock.now())
            status["conditions"] = [condition | {"lastProbeTime": None, "lastTransitionTime": stamp}]
        if not status:
            return
        body = {"metadata": {"uid": meta["uid"]}, "status": status}
        await self._client.patch(
            PODS, meta["name"], meta["namespace"], body, patch_type=STRATEGIC, subresource="status"
        )

    async def _evict(self, pod: Obj, candidate: Candidate) -> None:
        for victim in candidate.victims:
            meta = victim.pod["metadata"]
            if meta.get("deletionTimestamp"):
                continue
            try:
                await self._mark_victim(victim.pod)
                await self._client.delete(PODS, meta["name"], meta["namespace"], uid=meta["uid"])
            except StatusError as error:
                if not is_not_found(error):
                    raise
                continue
            text = f"Preempted by pod {pod['metadata']['uid']} on node {candidate.node}"
            self._recorder.action(victim.pod, POD, NORMAL, "Preempted", "Preempting", text)

    async def _mark_victim(self, victim: Obj) -> None:
        condition: dict[str, Any] = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": f"{self._name}: preempting to accommodate a higher priority pod",
            "lastProbeTime": None,
            "lastTransitionTime": rfc3339(self._clock.now()),
        }
        if victim["metadata"].get("generation"):
            condition["observedGeneration"] = victim["metadata"]["generation"]
        body = {"metadata": {"uid": victim["metadata"]["uid"]}, "status": {"conditions": [condition]}}
        meta = victim["metadata"]
        await self._client.patch(
            PODS, meta["name"], meta["namespace"], body, patch_type=STRATEGIC, subresource="status"
        )


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("writing a decision failed")


def _matters(old: Obj | None, new: Obj) -> bool:
    """A change of a pod that scheduling looks at; status changes alone are not."""
    if old is None:
        return True
    return (
        old["spec"] != new["spec"]
        or labels_of(old) != labels_of(new)
        or bool(old["metadata"].get("deletionTimestamp")) != bool(new["metadata"].get("deletionTimestamp"))
    )


def _node_matters(old: Obj, new: Obj) -> bool:
    before, after = old.get("status") or {}, new.get("status") or {}
    return (
        old.get("spec") != new.get("spec")
        or labels_of(old) != labels_of(new)
        or before.get("allocatable") != after.get("allocatable")
    )


def start(client: Client, clock: Clock, informers: Informers, events: EventSink) -> Scheduler:
    return Scheduler(client, clock, informers, events)
