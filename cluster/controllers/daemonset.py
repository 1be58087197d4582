"""DaemonSets: one pod on every node that will have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.controllers import history
from cluster.controllers.context import Context
from cluster.controllers.node_fit import Fit, daemon_tolerations, fit
from cluster.controllers.pod_control import PodControl, pod_from_template, slow_start
from cluster.controllers.replicas import pods_by_controller
from cluster.controllers.revision_hash import template_hash
from cluster.controllers.rollout import scaled
from cluster.machinery import pods as podlib
from cluster.machinery.events import WARNING
from cluster.machinery.expectations import Expectations
from cluster.machinery.owners import Claimer, controller_uid
from cluster.machinery.resources import CONTROLLER_REVISIONS, DAEMON_SET, DAEMON_SETS, NODES, PODS
from cluster.machinery.selecting import label_selector, labels_of
from cluster.meta.errors import StatusError, is_already_exists, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

HASH = "controller-revision-hash"
GENERATION_LABEL = "pod-template-generation"
GENERATION = "deprecated.daemonset.template.generation"
_BURST = 250


def target_node(pod: Obj) -> str:
    """The node a pod is on or is meant for."""
    if podlib.node_name(pod):
        return podlib.node_name(pod)
    affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    for term in affinity.get("nodeSelectorTerms") or ():
        for need in term.get("matchFields") or ():
            if need["key"] == "metadata.name" and need.get("operator") == "In" and len(need.get("values") or ()) == 1:
                return str(need["values"][0])
    return ""


def new_pod(ds: Obj, node: str, digest: str) -> Obj:
    """A pod for one node, bound there by node affinity so that the scheduler still checks it."""
    pod = pod_from_template(ds["spec"]["template"], ds, DAEMON_SET)
    labels = pod["metadata"].setdefault("labels", {})
    labels[HASH] = digest
    generation = (ds["metadata"].get("annotations") or {}).get(GENERATION)
    if generation:
        labels[GENERATION_LABEL] = generation
    affinity = pod["spec"].setdefault("affinity", {}).setdefault("nodeAffinity", {})
    field_term = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = affinity.setdefault("requiredDuringSchedulingIgnoredDuringExecution", {"nodeSelectorTerms": [{}]})
    for term in required["nodeSelectorTerms"]:
        term["matchFields"] = [field_term]
    pod["spec"]["tolerations"] = daemon_tolerations(pod["spec"])
    return pod


@dataclass(slots=True)
class Plan:
    create: list[str] = field(default_factory=list)
    delete: list[Obj] = field(default_factory=list)
    failed: list[Obj] = field(default_factory=list)
    """Failed pods that are deleted, to be made again."""


@dataclass(slots=True)
class View:
    ds: Obj
    fits: dict[str, Fit]
    pods: dict[str, list[Obj]]
    """By target node."""
    digest: str
    now: float

    def available(self, pod: Obj) -> bool:
        least = self.ds["spec"].get("minReadySeconds") or 0
        return podlib.available(pod, least, self.now) and not pod["metadata"].get("deletionTimestamp")

    def current(self, pod: Obj) -> bool:
        return labels_of(pod).get(HASH) == self.digest


def plan(view: View) -> Plan:
    """Pods missing, in excess or failed; then the rolling update, when nothing else is to be done."""
    out = Plan()
    surge = bounds(view.ds, 0)[0] > 0
    for node, found in view.fits.items():
        _plan_node(view, node, found, out, surge)
    for node, pods in view.pods.items():
        if node not in view.fits:
            out.delete += [pod for pod in pods if not pod["metadata"].get("deletionTimestamp") and not node]
    strategy = (view.ds["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate")
    if strategy == "RollingUpdate" and not (out.create or out.delete or out.failed):
        _update(view, out)
    return out


def _plan_node(view: View, node: str, found: Fit, out: Plan, surge: bool) -> None:
    pods = view.pods.get(node, [])
    if not found.runs:
        if not found.stays:
            out.delete += [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        return
    out.failed += [p for p in pods if podlib.phase(p) == "Failed" and not p["metadata"].get("deletionTimestamp")]
    alive = [p for p in pods if not podlib.terminal(p)]
    lasting = [p for p in alive if not p["metadata"].get("deletionTimestamp")]
    if not alive or (surge and not lasting):
        out.create.append(node)
    elif len(lasting) > 1 and not surge:
        out.delete += sorted(lasting, key=lambda p: (not podlib.node_name(p), p["metadata"]["creationTimestamp"]))[1:]


def bounds(ds: Obj, number: int) -> tuple[int, int]:
    """(surge, unavailable) of a rolling update over so many nodes."""
    rolling = (ds["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    surge = rolling.get("maxSurge") or 0
    if isinstance(surge, str) and not number:
        return (0 if surge == "0%" else 1), 0
    most = scaled(surge, number, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", 1), number, up=True)
    return most, unavailable if most or unavailable else 1


def _update(view: View, out: Plan) -> None:
    nodes = [node for node, found in view.fits.items() if found.runs]
    surge, unavailable = bounds(view.ds, len(nodes))
    if surge:
        _update_by_surge(view, nodes, surge, out)
        return
    old, down = [], 0
    for node in nodes:
        pods = [p for p in view.pods.get(node, ()) if not podlib.terminal(p)]
        if not any(map(view.available, pods)):
            down += 1
            out.delete += [p for p in pods if not view.current(p) and not p["metadata"].get("deletionTimestamp")]
        else:
            old += [p for p in pods if not view.current(p)]
    out.delete += old[: max(unavailable - down, 0)]


def _update_by_surge(view: View, nodes: Sequence[str], surge: int, out: Plan) -> None:
    """A new pod beside the old one; the old one goes when the new one is available."""
    waiting, surging = [], 0
    for node in nodes:
        pods = [p for p in view.pods.get(node, ()) if podlib.active(p)]
        new = [p for p in pods if view.current(p)]
        old = [p for p in pods if not view.current(p)]
        if old and new:
            surging += 1
            out.delete += old if any(map(view.available, new)) else []
        elif old:
            waiting.append((node, any(map(view.available, old))))
    broken = [node for node, fine in waiting if not fine]
    fine = [node for node, is_fine in waiting if is_fine]
    out.create += broken + fine[: max(surge - surging, 0)]


def status(view: View, collisions: int | None) -> dict[str, Any]:
    counts = dict.fromkeys(("current", "misscheduled", "desired", "ready", "updated", "available"), 0)
    for node, found in view.fits.items():
        pods = [p for p in view.pods.get(node, ()) if not p["metadata"].get("deletionTimestamp")]
        if not found.runs:
            counts["misscheduled"] += bool(pods) and not found.stays
            continue
        counts["desired"] += 1
        if not pods:
            continue
        counts["current"] += 1
        oldest = min(pods, key=lambda p: (p["metadata"]["creationTimestamp"], p["metadata"]["name"]))
        counts["ready"] += podlib.ready(oldest)
        counts["available"] += view.available(oldest)
        counts["updated"] += view.current(oldest)
    out: dict[str, Any] = {
        "currentNumberScheduled": counts["current"],
        "numberMisscheduled": counts["misscheduled"],
        "desiredNumberScheduled": counts["desired"],
        "numberReady": counts["ready"],
        "observedGeneration": view.ds["metadata"].get("generation") or 0,
    }
    more = {
        "updatedNumberScheduled": counts["updated"],
        "numberAvailable": counts["available"],
        "numberUnavailable": counts["desired"] - counts["available"],
    }
    out |= {k: v for k, v in more.items() if v}
    if collisions is not None:
        out["collisionCount"] = collisions
    return out


class DaemonSetController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._sets, self._pods = context.informers.of(DAEMON_SETS), context.informers.of(PODS)
        self._nodes, self._revisions = context.informers.of(NODES), context.informers.of(CONTROLLER_REVISIONS)
        pods_by_controller(self._pods)
        self._revisions.add_index("owner", lambda r: (controller_uid(r),))
        self._recorder = context.recorder("daemonset-controller")
        self._control = PodControl(context.client, self._recorder, DAEMON_SET)
        self._claimer = Claimer(context.client, DAEMON_SET, DAEMON_SETS, PODS)
        self._expectations = Expectations(context.clock)
        watched = [self._sets, self._pods, self._nodes, self._revisions]
        self.loop = context.controller("daemonset", self.reconcile, watched, workers=2)
        self._sets.add_handler(lambda old, new: self.loop.queue.add(key_of(new or old or {})))
        self._pods.add_handler(self._pod_changed)
        self._nodes.add_handler(self._node_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if old is None or new is None or _node_facts(old) != _node_facts(new):
            for ds in self._sets.list():
                self.loop.queue.add(key_of(ds))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        pod = new or old
        assert pod is not None
        for ref in pod["metadata"].get("ownerReferences") or ():
            if ref.get("controller") and ref["kind"] == "DaemonSet":
                key = ObjectKey(pod["metadata"]["namespace"], ref["name"])
                if old is None:
                    self._expectations.created(key)
                if new is None or new["metadata"].get("deletionTimestamp"):
                    self._expectations.deleted(key, pod["metadata"]["uid"])
                self.loop.queue.add(key)

    async def reconcile(self, key: ObjectKey) -> float | None:
        found = self._sets.get(key.name, key.namespace)
        if found is None:
            self._expectations.forget(key)
            return None
        ds = {**found, "apiVersion": DAEMON_SET.api_version, "kind": DAEMON_SET.kind}
        if not any((ds["spec"].get("selector") or {}).values()):
            text = "This daemon set is selecting all pods. A non-empty selector is required."
            self._recorder.event(ds, DAEMON_SET, WARNING, "SelectingAll", text)
            return None
        if ds["metadata"].get("deletionTimestamp"):
            return None
        digest = await self._revision(ds)
        if not self._expectations.satisfied(key):
            await self._write_status(await self._view(ds, digest))
            return None
        view = await self._view(ds, digest)
        failure = await self._act(key, view)
        await self._write_status(await self._view(ds, digest))
        if failure is not None:
            raise failure
        least = ds["spec"].get("minReadySeconds") or 0
        every = (pod for pods in view.pods.values() for pod in pods)
        waits = [w for pod in every if (w := podlib.available_in(pod, least, view.now)) is not None]
        return min(waits) + 0.01 if waits else None

    async def _view(self, ds: Obj, digest: str) -> View:
        selects = label_selector(ds["spec"]["selector"])
        own = self._pods.by_index("controller", ds["metadata"]["uid"])
        orphans = self._pods.by_index("controller", f"orphan:{ds['metadata']['namespace']}")
        pods: dict[str, list[Obj]] = {}
        for pod in await self._claimer.claim(ds, [*own, *orphans], lambda p: selects(labels_of(p))):
            pods.setdefault(target_node(pod), []).append(pod)
        template = ds["spec"]["template"]["spec"]
        fits = {node["metadata"]["name"]: fit(template, node) for node in self._nodes.list()}
        return View(ds, fits, pods, digest, self._context.clock.now())

    async def _revision(self, ds: Obj) -> str:
        """The hash of the current template, with a ControllerRevision that keeps it."""
        revisions = history.ordered(self._revisions.by_index("owner", ds["metadata"]["uid"]))
        found = history.find(revisions, ds["spec"]["template"])
        number = history.next_number(revisions)
        if found is None:
            found = await self._new_revision(ds, number)
        elif found is not revisions[-1]:
            found = await self._client.update(CONTROLLER_REVISIONS, {**found, "revision": number})
        limit = ds["spec"].get("revisionHistoryLimit")
        used = {labels_of(p).get(HASH, "") for p in self._pods.by_index("controller", ds["metadata"]["uid"])}
        live = {found["metadata"]["name"]} | {f"{ds['metadata']['name']}-{digest}" for digest in used}
        for old in history.surplus(revisions, live, 10 if limit is None else limit):
            await self._drop(old)
        return str(labels_of(found)[HASH])

    async def _new_revision(self, ds: Obj, number: int) -> Obj:
        digest = template_hash(ds["spec"]["template"], (ds.get("status") or {}).get("collisionCount"))
        draft = history.new_revision(ds, DAEMON_SET, digest, number, {HASH: digest})
        generation = (ds["metadata"].get("annotations") or {}).get(GENERATION)
        if generation:
            draft["metadata"]["annotations"] = {GENERATION: generation}
        try:
            return await self._client.create(CONTROLLER_REVISIONS, draft, ds["metadata"]["namespace"])
        except StatusError as error:
            if not is_already_exists(error):
                raise
            taken = error
        held = await self._client.get(CONTROLLER_REVISIONS, draft["metadata"]["name"], ds["metadata"]["namespace"])
        if history.find([held], ds["spec"]["template"]) is None:
            await self._tell_collision(ds)
            raise taken
        return held

    async def _tell_collision(self, ds: Obj) -> None:
        """Another template has the name: the count makes the next try's hash another one."""
        meta = ds["metadata"]
        found = await self._client.get(DAEMON_SETS, meta["name"], meta["namespace"])
        status = found.get("status") or {}
        before = status.get("collisionCount")
        if before == (ds.get("status") or {}).get("collisionCount"):
            ds = {**found, "apiVersion": DAEMON_SET.api_version, "kind": DAEMON_SET.kind}
            ds["status"] = {**status, "collisionCount": (before or 0) + 1}
            await self._client.update(DAEMON_SETS, ds, subresource="status")

    async def _drop(self, revision: Obj) -> None:
        meta = revision["metadata"]
        try:
            await self._client.delete(CONTROLLER_REVISIONS, meta["name"], meta["namespace"])
        except StatusError as error:
            if not is_not_found(error):
                raise

    async def _act(self, key: ObjectKey, view: View) -> StatusError | None:
        decided = plan(view)
        for pod in decided.failed:
            meta = pod["metadata"]
            where = f"{meta['namespace']}/{meta['name']} on node {podlib.node_name(pod)}"
            text = f"Found failed daemon pod {where}, will try to kill it"
            self._recorder.event(view.ds, DAEMON_SET, WARNING, "FailedDaemonPod", text)
        doomed = [*decided.delete, *decided.failed]
        create = decided.create[:_BURST]
        if not create and not doomed:
            return None
        self._expectations.expect(key, len(create), [pod["metadata"]["uid"] for pod in doomed])

        async def make(index: int) -> None:
            await self._control.create(new_pod(view.ds, create[index], view.digest), view.ds)

        async def remove(index: int) -> None:
            try:
                await self._control.delete(doomed[index], view.ds)
            except StatusError as error:
                self._expectations.deleted(key, doomed[index]["metadata"]["uid"])
                if not is_not_found(error):
                    raise

        made, failure = await slow_start(len(create), make)
        self._expectations.created(key, len(create) - made)
        _, other = await slow_start(len(doomed), remove, first=len(doomed) or 1)
        return failure or other

    async def _write_status(self, view: View) -> None:
        new = status(view, (view.ds.get("status") or {}).get("collisionCount"))
        if new != view.ds.get("status"):
            written = await self._client.update(DAEMON_SETS, {**view.ds, "status": new}, subresource="status")
            view.ds["metadata"], view.ds["status"] = clone(written["metadata"]), new


def _node_facts(node: Obj) -> tuple[Any, ...]:
    return labels_of(node), node.get("spec")


def start(context: Context) -> DaemonSetController:
    return DaemonSetController(context)
