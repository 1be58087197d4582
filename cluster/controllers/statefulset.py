"""StatefulSets: pods with a number, a name that stays and claims of their own; made, updated and removed in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.controllers import history
from cluster.controllers.context import Context
from cluster.controllers.pod_control import pod_from_template
from cluster.controllers.replicas import pods_by_controller
from cluster.controllers.revision_hash import revision_data, revision_hash
from cluster.controllers.rollout import scaled
from cluster.machinery import pods as podlib
from cluster.machinery.events import NORMAL, WARNING
from cluster.machinery.owners import Claimer, controller_uid, owner_reference
from cluster.machinery.resources import CLAIMS, CONTROLLER_REVISIONS, POD, PODS, STATEFUL_SET, STATEFUL_SETS
from cluster.machinery.selecting import label_selector, labels_of
from cluster.meta.errors import StatusError, is_already_exists, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

REVISION = "controller-revision-hash"
HASH = "controller.kubernetes.io/hash"
POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


def ordinal(set_: Obj, pod: Obj) -> int:
    """The number in a pod's name; -1 when it is not one of the set's names."""
    head, _, tail = pod["metadata"]["name"].rpartition("-")
    return int(tail) if head == set_["metadata"]["name"] and tail.isdigit() else -1


def replicas(set_: Obj) -> int:
    value = set_["spec"].get("replicas")
    return 1 if value is None else int(value)


def first(set_: Obj) -> int:
    return int((set_["spec"].get("ordinals") or {}).get("start") or 0)


def parallel(set_: Obj) -> bool:
    return bool(set_["spec"].get("podManagementPolicy") == "Parallel")


def partition(set_: Obj) -> int:
    return int(((set_["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition") or 0)


def claim_names(set_: Obj, number: int) -> dict[str, str]:
    """Volume name -> claim name of one pod."""
    templates = set_["spec"].get("volumeClaimTemplates") or ()
    return {t["metadata"]["name"]: f"{t['metadata']['name']}-{set_['metadata']['name']}-{number}" for t in templates}


def new_pod(set_: Obj, template: Obj, revision: str, number: int) -> Obj:
    pod = pod_from_template(template, set_, STATEFUL_SET)
    name = f"{set_['metadata']['name']}-{number}"
    pod["metadata"]["name"] = name
    labels = pod["metadata"].setdefault("labels", {})
    labels |= {POD_NAME: name, POD_INDEX: str(number), REVISION: revision}
    pod["spec"] |= {"hostname": name}
    if set_["spec"].get("serviceName"):
        pod["spec"]["subdomain"] = set_["spec"]["serviceName"]
    claims = claim_names(set_, number)
    kept = [v for v in pod["spec"].get("volumes") or () if v["name"] not in claims]
    claimed = [{"name": v, "persistentVolumeClaim": {"claimName": c}} for v, c in claims.items()]
    if kept or claimed:
        pod["spec"]["volumes"] = [*claimed, *kept]
    return pod


@dataclass(slots=True)
class View:
    """The set and its pods as one pass sees them. `gone` are pods this controller has deleted, though still shown."""

    owner: Obj
    pods: Sequence[Obj]
    current: str
    update: str
    now: float
    gone: set[str] = field(default_factory=set)

    def by_ordinal(self) -> dict[int, Obj]:
        return {n: pod for pod in self.pods if (n := ordinal(self.owner, pod)) >= 0}

    def in_range(self, number: int) -> bool:
        return first(self.owner) <= number < first(self.owner) + replicas(self.owner)

    def terminating(self, pod: Obj) -> bool:
        return bool(pod["metadata"].get("deletionTimestamp")) or pod["metadata"]["uid"] in self.gone

    def available(self, pod: Obj) -> bool:
        ready = podlib.phase(pod) == "Running" and not self.terminating(pod)
        return ready and podlib.available(pod, self.owner["spec"].get("minReadySeconds") or 0, self.now)

    def wanted_revision(self, number: int) -> str:
        strategy = self.owner["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate" or self.current == self.update:
            return self.update
        rolling = strategy.get("rollingUpdate")
        status = self.owner.get("status") or {}
        kept = rolling.get("partition") or 0 if rolling else status.get("currentReplicas") or 0
        return self.current if number < first(self.owner) + kept else self.update


@dataclass(slots=True)
class Plan:
    create: list[int] = field(default_factory=list)
    delete: list[Obj] = field(default_factory=list)
    recreate: list[Obj] = field(default_factory=list)
    """Pods that ended and are deleted to be made anew."""


def plan(view: View) -> Plan:
    """What to do now; with ordered management mostly one thing at a time."""
    out, pods = Plan(), view.by_ordinal()
    monotonic = not parallel(view.owner)
    for number in range(first(view.owner), first(view.owner) + replicas(view.owner)):
        pod = pods.get(number)
        if pod is None:
            out.create.append(number)
        elif view.terminating(pod):
            if monotonic:
                return out
            continue
        elif podlib.terminal(pod):
            out.recreate.append(pod)
        elif view.available(pod) or not monotonic:
            continue
        if monotonic:
            return out
    condemned = sorted((n for n in pods if not view.in_range(n)), reverse=True)
    for number in condemned:
        if not view.terminating(pods[number]):
            out.delete.append(pods[number])
        if monotonic:
            return out
    if not out.create and not out.recreate:
        out.delete += _outdated(view, pods)
    return out


def _outdated(view: View, pods: dict[int, Obj]) -> list[Obj]:
    """Pods of an old revision to delete now, the highest numbers first, within maxUnavailable."""
    strategy = view.owner["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return []
    limit = (strategy.get("rollingUpdate") or {}).get("maxUnavailable")
    most = max(scaled(limit, replicas(view.owner), up=True), 1) if limit is not None else 1
    lowest = first(view.owner) + partition(view.owner)
    numbers = sorted((n for n in pods if view.in_range(n)), reverse=True)
    unavailable = sum(not view.available(pods[n]) for n in numbers)
    out: list[Obj] = []
    for number in numbers:
        pod = pods[number]
        if number < lowest or view.terminating(pod) or labels_of(pod).get(REVISION) == view.update:
            continue
        broken = not view.available(pod)
        if unavailable - (1 if broken else 0) + len(out) >= most:
            break
        if broken:
            unavailable -= 1
        out.append(pod)
    return out


def status(view: View, collisions: int) -> dict[str, Any]:
    """The status that goes with the pods seen."""
    alive = [p for p in view.pods if not view.terminating(p)]
    mine = [p for p in alive if ordinal(view.owner, p) >= 0]
    ready = [p for p in view.pods if podlib.phase(p) == "Running" and podlib.ready(p)]
    current = sum(labels_of(p).get(REVISION) == view.current for p in mine)
    updated = sum(labels_of(p).get(REVISION) == view.update for p in mine)
    counts = {"readyReplicas": len(ready), "currentReplicas": current, "updatedReplicas": updated}
    out: dict[str, Any] = {
        "observedGeneration": view.owner["metadata"].get("generation") or 0,
        "replicas": len(view.pods),
        **{k: v for k, v in counts.items() if v},
        "currentRevision": view.current,
        "updateRevision": view.update,
        "collisionCount": collisions,
        "availableReplicas": sum(map(view.available, view.pods)),
    }
    done = updated == len(view.pods) == len(ready) == replicas(view.owner)
    rolling = (view.owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
    if done and rolling and view.current != view.update:
        out["currentRevision"] = view.update
        out["currentReplicas"] = updated
    if view.owner.get("status", {}).get("conditions"):
        out["conditions"] = view.owner["status"]["conditions"]
    return {k: v for k, v in out.items() if k != "currentReplicas" or v}


class StatefulSetController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._sets, self._pods = context.informers.of(STATEFUL_SETS), context.informers.of(PODS)
        self._revisions, self._claims = context.informers.of(CONTROLLER_REVISIONS), context.informers.of(CLAIMS)
        pods_by_controller(self._pods)
        self._revisions.add_index("owner", lambda r: (controller_uid(r),))
        self._recorder = context.recorder("statefulset-controller")
        self._claimer = Claimer(context.client, STATEFUL_SET, STATEFUL_SETS, PODS)
        self._gone: dict[ObjectKey, set[str]] = {}
        watched = [self._sets, self._pods, self._revisions, self._claims]
        self.loop = context.controller("statefulset", self.reconcile, watched, workers=3)
        self._sets.add_handler(lambda old, new: self.loop.queue.add(key_of(new or old or {})))
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        pod = new or old
        assert pod is not None
        for ref in pod["metadata"].get("ownerReferences") or ():
            if ref.get("controller") and ref["kind"] == "StatefulSet":
                key = ObjectKey(pod["metadata"]["namespace"], ref["name"])
                if new is None:
                    self._gone.get(key, set()).discard(pod["metadata"]["uid"])
                self.loop.queue.add(key)
                return
        if new is not None and not controller_uid(pod) and labels_of(pod):
            for set_ in self._sets.list(pod["metadata"]["namespace"]):
                if label_selector(set_["spec"].get("selector"))(labels_of(pod)):
                    self.loop.queue.add(key_of(set_))

    async def reconcile(self, key: ObjectKey) -> float | None:
        found = self._sets.get(key.name, key.namespace)
        if found is None:
            self._gone.pop(key, None)
            return None
        set_ = {**found, "apiVersion": STATEFUL_SET.api_version, "kind": STATEFUL_SET.kind}
        selects = label_selector(set_["spec"].get("selector"))
        orphans = self._pods.by_index("controller", f"orphan:{key.namespace}")
        own = self._pods.by_index("controller", set_["metadata"]["uid"])
        pods = await self._claimer.claim(
            set_, [*own, *orphans], lambda p: selects(labels_of(p)) and ordinal(set_, p) >= 0
        )
        revisions = history.ordered(self._revisions.by_index("owner", set_["metadata"]["uid"]))
        update, revisions = await self._update_revision(set_, revisions)
        current = self._current_revision(set_, revisions, update)
        now = self._context.clock.now()
        view = View(
            set_, pods, current["metadata"]["name"], update["metadata"]["name"], now, self._gone.setdefault(key, set())
        )
        if not set_["metadata"].get("deletionTimestamp"):
            await self._keep_claims(view)
            await self._act(view, {r["metadata"]["name"]: history.template_of(r) for r in (current, update)})
        await self._write_status(view)
        await self._trim(view, revisions)
        return self._next_look(view)

    def _next_look(self, view: View) -> float | None:
        least = view.owner["spec"].get("minReadySeconds") or 0
        waits = [w for pod in view.pods if (w := podlib.available_in(pod, least, view.now)) is not None]
        return min(waits) + 0.01 if waits else None

    # -- revisions ---------------------------------------------------------------------------------------------

    async def _update_revision(self, set_: Obj, revisions: list[Obj]) -> tuple[Obj, list[Obj]]:
        template, number = set_["spec"]["template"], history.next_number(revisions)
        found = history.find(revisions, template)
        if found is not None and found is revisions[-1]:
            return found, revisions
        if found is not None:
            moved = await self._client.update(CONTROLLER_REVISIONS, {**found, "revision": number})
            return moved, [moved if r is found else r for r in revisions]
        collisions = (set_.get("status") or {}).get("collisionCount") or 0
        digest = revision_hash(revision_data(template), collisions)
        draft = history.new_revision(set_, STATEFUL_SET, digest, number, {HASH: digest})
        try:
            made = await self._client.create(CONTROLLER_REVISIONS, draft, set_["metadata"]["namespace"])
        except StatusError as error:
            if not is_already_exists(error):
                raise
            made = await self._client.get(
                CONTROLLER_REVISIONS, draft["metadata"]["name"], set_["metadata"]["namespace"]
            )
        return made, [*revisions, made]

    @staticmethod
    def _current_revision(set_: Obj, revisions: list[Obj], update: Obj) -> Obj:
        name = (set_.get("status") or {}).get("currentRevision")
        return next((r for r in revisions if r["metadata"]["name"] == name), update)

    async def _trim(self, view: View, revisions: list[Obj]) -> None:
        limit = view.owner["spec"].get("revisionHistoryLimit")
        live = {view.current, view.update} | {labels_of(pod).get(REVISION, "") for pod in view.pods}
        for revision in history.surplus(revisions, live, 10 if limit is None else limit):
            try:
                await self._client.delete(
                    CONTROLLER_REVISIONS, revision["metadata"]["name"], view.owner["metadata"]["namespace"]
                )
            except StatusError as error:
                if not is_not_found(error):
                    raise

    # -- acting ------------------------------------------------------------------------------------------------

    async def _act(self, view: View, templates: dict[str, Obj]) -> None:
        decided = plan(view)
        for pod in decided.recreate:
            meta = view.owner["metadata"]
            text = f"StatefulSet {meta['namespace']}/{meta['name']} is recreating failed Pod {pod['metadata']['name']}"
            self._recorder.event(view.owner, STATEFUL_SET, WARNING, "RecreatingFailedPod", text)
            await self._delete(view, pod)
        for number in decided.create:
            revision = view.wanted_revision(number)
            await self._create(view, new_pod(view.owner, templates[revision], revision, number), number)
        for pod in decided.delete:
            await self._delete(view, pod)

    async def _create(self, view: View, pod: Obj, number: int) -> None:
        set_name, namespace = view.owner["metadata"]["name"], view.owner["metadata"]["namespace"]
        name = pod["metadata"]["name"]
        try:
            await self._create_claims(view, number)
            await self._client.create(PODS, pod, namespace)
        except StatusError as error:
            if is_already_exists(error):
                return
            text = f"create Pod {name} in StatefulSet {set_name} failed error: {error}"
            self._recorder.event(view.owner, STATEFUL_SET, WARNING, "FailedCreate", text)
            raise
        text = f"Create Pod {name} in StatefulSet {set_name} successful"
        self._recorder.event(view.owner, STATEFUL_SET, NORMAL, "SuccessfulCreate", text)

    async def _create_claims(self, view: View, number: int) -> None:
        meta = view.owner["metadata"]
        names = claim_names(view.owner, number)
        for template in view.owner["spec"].get("volumeClaimTemplates") or ():
            name = names[template["metadata"]["name"]]
            if self._claims.get(name, meta["namespace"]) is not None:
                continue
            claim = self._claim(view, template, name)
            try:
                await self._client.create(CLAIMS, claim, meta["namespace"])
            except StatusError as error:
                if is_already_exists(error):
                    continue
                raise
            text = f"Create Claim {name} Pod {meta['name']}-{number} in StatefulSet {meta['name']} success"
            self._recorder.event(view.owner, STATEFUL_SET, NORMAL, "SuccessfulCreate", text)

    def _claim(self, view: View, template: Obj, name: str) -> Obj:
        source = template["metadata"]
        labels = {
            **(source.get("labels") or {}),
            **((view.owner["spec"].get("selector") or {}).get("matchLabels") or {}),
        }
        meta: Obj = {"name": name, "namespace": view.owner["metadata"]["namespace"], "labels": labels}
        if source.get("annotations"):
            meta["annotations"] = dict(source["annotations"])
        if _retention(view.owner)[0] == "Delete":
            meta["ownerReferences"] = [owner_reference(view.owner, STATEFUL_SET)]
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": meta,
            "spec": clone(template["spec"]),
        }

    async def _keep_claims(self, view: View) -> None:
        """Claims belong to the set, to a pod on its way out, or to nobody, as the retention policy says."""
        if not view.owner["spec"].get("volumeClaimTemplates"):
            return
        for number, pod in view.by_ordinal().items():
            for name in claim_names(view.owner, number).values():
                claim = self._claims.get(name, view.owner["metadata"]["namespace"])
                if claim is not None:
                    await self._own_claim(view, claim, pod, condemned=not view.in_range(number))

    async def _own_claim(self, view: View, claim: Obj, pod: Obj, *, condemned: bool) -> None:
        deleted, scaled_down = _retention(view.owner)
        managed = {view.owner["metadata"]["uid"], pod["metadata"]["uid"]}
        refs = claim["metadata"].get("ownerReferences") or []
        kept = [ref for ref in refs if ref["uid"] not in managed and ref["kind"] not in {"Pod", "StatefulSet"}]
        if condemned and scaled_down == "Delete":
            kept.append(owner_reference(pod, POD))
        elif deleted == "Delete":
            kept.append(owner_reference(view.owner, STATEFUL_SET))
        if kept != refs:
            own = clone(claim)
            own["metadata"]["ownerReferences"] = kept
            await self._client.update(CLAIMS, own)

    async def _delete(self, view: View, pod: Obj) -> None:
        meta, set_name = pod["metadata"], view.owner["metadata"]["name"]
        try:
            await self._client.delete(PODS, meta["name"], meta["namespace"], uid=meta["uid"])
        except StatusError as error:
            if is_not_found(error):
                return
            text = f"delete Pod {meta['name']} in StatefulSet {set_name} failed error: {error}"
            self._recorder.event(view.owner, STATEFUL_SET, WARNING, "FailedDelete", text)
            raise
        view.gone.add(meta["uid"])
        text = f"Delete Pod {meta['name']} in StatefulSet {set_name} successful"
        self._recorder.event(view.owner, STATEFUL_SET, NORMAL, "SuccessfulDelete", text)

    async def _write_status(self, view: View) -> None:
        new = status(view, (view.owner.get("status") or {}).get("collisionCount") or 0)
        if new != view.owner.get("status"):
            await self._client.update(STATEFUL_SETS, {**view.owner, "status": new}, subresource="status")


def _retention(set_: Obj) -> tuple[str, str]:
    policy = set_["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get("whenDeleted", "Retain"), policy.get("whenScaled", "Retain")


def start(context: Context) -> StatefulSetController:
    return StatefulSetController(context)
