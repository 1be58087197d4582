"""Deployments: a ReplicaSet for each template, and the walk from the old one to the new one.

A reconcile does one step and leaves the rest to the events that step causes: find or make the ReplicaSet of the
current template, scale up or down within surge and unavailability, and tell in status how far it is. The
arithmetic is in `rollout`; here is what is read and written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.controllers import rollout
from cluster.controllers.context import Context
from cluster.controllers.pod_control import namespace_terminating
from cluster.controllers.replicas import pods_by_controller
from cluster.controllers.revision_hash import template_hash
from cluster.machinery import pods as podlib
from cluster.machinery.clock import parse_time
from cluster.machinery.events import NORMAL, WARNING
from cluster.machinery.owners import Claimer, controlled_by, controller_uid, owner_reference
from cluster.machinery.pods import condition
from cluster.machinery.resources import DEPLOYMENT, DEPLOYMENTS, PODS, REPLICA_SETS
from cluster.machinery.selecting import label_selector, labels_of
from cluster.meta.errors import StatusError, is_already_exists, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey


class DeploymentController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._deployments = context.informers.of(DEPLOYMENTS)
        self._sets = context.informers.of(REPLICA_SETS)
        self._pods = context.informers.of(PODS)
        pods_by_controller(self._pods)
        self._sets.add_index("owner", lambda rs: (controller_uid(rs),))
        self._recorder = context.recorder("deployment-controller")
        self._claimer = Claimer(context.client, DEPLOYMENT, DEPLOYMENTS, REPLICA_SETS)
        self.loop = context.controller(
            "deployment-controller", self.reconcile, [self._deployments, self._sets, self._pods]
        )
        self._deployments.add_handler(self._deployment_changed)
        self._sets.add_handler(self._set_changed)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self.loop.run()

    # -- what wakes it -----------------------------------------------------------------------------------------

    def _deployment_changed(self, old: Obj | None, new: Obj | None) -> None:
        self.loop.queue.add(key_of(new or old or {}))

    def _set_changed(self, old: Obj | None, new: Obj | None) -> None:
        for rs in (old, new):
            if rs is not None:
                self._enqueue_owner(rs)
        if new is not None and not controller_uid(new):
            self._enqueue_matching(new)

    def _enqueue_owner(self, rs: Obj) -> None:
        for ref in rs["metadata"].get("ownerReferences") or ():
            if ref.get("controller") and ref.get("kind") == "Deployment":
                self.loop.queue.add(ObjectKey(rs["metadata"]["namespace"], ref["name"]))

    def _enqueue_matching(self, rs: Obj) -> None:
        for d in self._deployments.list(rs["metadata"]["namespace"]):
            if labels_of(rs) and label_selector(d["spec"].get("selector"))(labels_of(rs)):
                self.loop.queue.add(key_of(d))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        """The last old pod of a Recreate has gone: the new ones may come."""
        if new is not None or old is None:
            return
        for ref in old["metadata"].get("ownerReferences") or ():
            if ref.get("controller") and ref.get("kind") == "ReplicaSet":
                rs = self._sets.get(ref["name"], old["metadata"]["namespace"])
                if rs is not None:
                    self._enqueue_owner(rs)

    # -- the loop ----------------------------------------------------------------------------------------------

    async def reconcile(self, key: ObjectKey) -> float | None:
        d = self._deployments.get(key.name, key.namespace)
        if d is None:
            return None
        if not any((d["spec"].get("selector") or {}).values()):
            message = "This deployment is selecting all pods. A non-empty selector is required."
            self._recorder.event(d, DEPLOYMENT, WARNING, "SelectingAll", message)
            return None
        step = _Step(self, self._context, clone(d))
        selects = label_selector(d["spec"]["selector"])
        sets = await self._claimer.claim(d, self._candidates(d), lambda rs: selects(labels_of(rs)))
        await step.run(sets)
        return step.look_again

    def _candidates(self, d: Obj) -> list[Obj]:
        own = self._sets.by_index("owner", d["metadata"]["uid"])
        orphans = [
            rs for rs in self._sets.by_index("owner", "") if rs["metadata"]["namespace"] == d["metadata"]["namespace"]
        ]
        return own + orphans

    def pods_of(self, rs: Obj) -> list[Obj]:
        return self._pods.by_index("controller", rs["metadata"]["uid"])


class _Step:
    """One pass over one deployment, on its own copy, which follows what is written."""

    def __init__(self, controller: DeploymentController, context: Context, deployment: Obj) -> None:
        self._controller, self._client = controller, context.client
        self._clock, self._recorder = context.clock, controller._recorder
        self.d = deployment
        self.d.update({"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.kind})
        self.look_again: float | None = None

    async def run(self, sets: list[Obj]) -> None:
        d = self.d
        if d["metadata"].get("deletionTimestamp"):
            new, old = await self._new_and_old(sets, create=False)
            await self._write_status(rollout.calculate_status(self.d, _all(old, new), new, self._clock.now()))
            return
        await self._note_pause()
        if self.d["spec"].get("paused") or rollout.is_scaling(d, sets):
            await self._scale_all(sets)
        elif rollout.is_rolling(d):
            await self._roll(sets)
        else:
            await self._recreate(sets)

    async def _note_pause(self) -> None:
        found = condition(self.d, "Progressing") or {}
        if rollout.deadline(self.d) is None or found.get("reason") == "ProgressDeadlineExceeded":
            return
        paused, noted = bool(self.d["spec"].get("paused")), found.get("reason") == "DeploymentPaused"
        if paused == noted:
            return
        reason, text = ("DeploymentPaused", "paused") if paused else ("DeploymentResumed", "resumed")
        await self._set_condition("Unknown", reason, f"Deployment is {text}")

    async def _set_condition(self, status: str, reason: str, message: str) -> None:
        new = clone(self.d.get("status") or {})
        rollout.set_condition(new, rollout.make_condition("Progressing", status, reason, message, self._clock.now()))
        await self._write_status(new)

    async def _write_status(self, status: dict[str, Any], *, force: bool = False) -> None:
        """Through the status subresource, which also takes annotations."""
        if status == (self.d.get("status") or {}) and not force:
            return
        written = await self._client.update(DEPLOYMENTS, {**self.d, "status": status}, subresource="status")
        self.d["metadata"] = clone(written["metadata"])
        self.d["status"] = status

    # -- strategies --------------------------------------------------------------------------------------------

    async def _scale_all(self, sets: list[Obj]) -> None:
        new, old = await self._new_and_old(sets, create=False)
        new, old = await self._rescale(new, old)
        if self.d["spec"].get("paused"):
            await self._clean_up(old)
        await self._write_status(rollout.calculate_status(self.d, _all(old, new), new, self._clock.now()))

    async def _rescale(self, new: Obj | None, old: list[Obj]) -> tuple[Obj | None, list[Obj]]:
        one = rollout.active_or_latest(new, old)
        if one is not None:
            targets = [(one, rollout.replicas(self.d))] if rollout.replicas(one) != rollout.replicas(self.d) else []
        elif rollout.saturated(self.d, new):
            targets = [(rs, 0) for rs in rollout.alive(old)]
        elif rollout.is_rolling(self.d):
            targets = rollout.proportional(self.d, rollout.alive([*old, new]))
        else:
            targets = []
        for rs, size in targets:
            new, old = _replace(await self._scale(rs, size), new, old)
        return new, old

    async def _roll(self, sets: list[Obj]) -> None:
        new, old = await self._new_and_old(sets, create=True)
        if new is None:
            return
        want = (
            rollout.replicas(self.d)
            if rollout.replicas(new) > rollout.replicas(self.d)
            else rollout.new_replicas(self.d, _all(old, new), new)
        )
        if want != rollout.replicas(new):
            new = await self._scale(new, want)
            await self._finish(new, old)
            return
        moved, old = await self._shrink_old(new, old)
        if not moved and rollout.complete(self.d, self.d.get("status") or {}):
            await self._clean_up(old)
        await self._finish(new, old)

    async def _shrink_old(self, new: Obj, old: list[Obj]) -> tuple[bool, list[Obj]]:
        """First the unhealthy of the old, then as many as availability allows."""
        alive = rollout.alive(old)
        least = rollout.replicas(self.d) - rollout.max_unavailable(self.d)
        unavailable = rollout.replicas(new) - rollout.seen(new, "availableReplicas")
        budget = rollout.total([*alive, new]) - least - unavailable
        if not alive or budget <= 0:
            return False, old
        before = rollout.total(old)
        old = await self._shrink(old, budget, unhealthy=True)
        spare = rollout.actual([*rollout.alive(old), new], "availableReplicas") - least
        if spare > 0:
            old = await self._shrink(old, spare, unhealthy=False)
        return rollout.total(old) < before, old

    async def _shrink(self, old: list[Obj], budget: int, *, unhealthy: bool) -> list[Obj]:
        _, kept = None, old
        for rs in rollout.by_age(rollout.alive(old)):
            may_go = rollout.replicas(rs) - (rollout.seen(rs, "availableReplicas") if unhealthy else 0)
            down = min(budget, may_go)
            if down > 0:
                budget -= down
                _, kept = _replace(await self._scale(rs, rollout.replicas(rs) - down), None, kept)
        return kept

    async def _recreate(self, sets: list[Obj]) -> None:
        new, old = await self._new_and_old(sets, create=False)
        alive = rollout.alive(old)
        if alive:
            for rs in alive:
                _, old = _replace(await self._scale(rs, 0), None, old)
            await self._finish(new, old)
            return
        if self._old_pods_run(old):
            await self._finish(new, old)
            return
        if new is None:
            new, old = await self._new_and_old(sets, create=True)
        if new is not None and rollout.replicas(new) != rollout.replicas(self.d):
            new = await self._scale(new, rollout.replicas(self.d))
        if rollout.complete(self.d, self.d.get("status") or {}):
            await self._clean_up(old)
        await self._finish(new, old)

    def _old_pods_run(self, old: Sequence[Obj]) -> bool:
        return rollout.actual(old) > 0 or any(
            not podlib.terminal(pod) for rs in old for pod in self._controller.pods_of(rs)
        )

    async def _finish(self, new: Obj | None, old: list[Obj]) -> None:
        status = rollout.rollout_status(self.d, _all(old, new), new, self._clock.now())
        if status == (self.d.get("status") or {}):
            self._watch_deadline(status)
            return
        await self._write_status(status)
        self._watch_deadline(status)

    def _watch_deadline(self, status: dict[str, Any]) -> None:
        """Nothing may happen any more until the deadline passes: look then."""
        found, limit = condition({"status": status}, "Progressing"), rollout.deadline(self.d)
        if found is None or limit is None or rollout.complete(self.d, status):
            return
        if found.get("reason") != "ProgressDeadlineExceeded":
            left = parse_time(found.get("lastUpdateTime")) + limit - self._clock.now()
            self.look_again = max(left, 0.0) + 1.0

    # -- ReplicaSets -------------------------------------------------------------------------------------------

    async def _new_and_old(self, sets: list[Obj], *, create: bool) -> tuple[Obj | None, list[Obj]]:
        found = rollout.find_new(self.d, sets)
        old = [rs for rs in sets if rs is not found]
        newest = max((rollout.revision(rs) for rs in old), default=0) + 1
        if found is not None:
            return await self._update_new(found, newest), old
        return (await self._create_new(old, newest) if create else None), old

    async def _update_new(self, rs: Obj, newest: int) -> Obj:
        own = clone(rs)
        changed = rollout.set_new_annotations(self.d, own, newest, exists=True)
        ready = self.d["spec"].get("minReadySeconds") or 0
        if changed or (own["spec"].get("minReadySeconds") or 0) != ready:
            own["spec"]["minReadySeconds"] = ready
            return await self._client.update(REPLICA_SETS, own)
        noted = self._note_revision(rollout.notes_of(own).get(rollout.REVISION, ""))
        status = clone(self.d.get("status") or {})
        if rollout.deadline(self.d) is not None and condition(self.d, "Progressing") is None:
            text = f'Found new replica set "{own["metadata"]["name"]}"'
            rollout.set_condition(
                status, rollout.make_condition("Progressing", "True", "FoundNewReplicaSet", text, self._clock.now())
            )
        await self._write_status(status, force=noted)
        return own

    def _note_revision(self, number: str) -> bool:
        mine = self.d["metadata"].setdefault("annotations", {})
        if mine.get(rollout.REVISION) == number:
            return False
        mine[rollout.REVISION] = number
        return True

    def _draft(self, old: list[Obj], newest: int) -> Obj:
        d, template = self.d, clone(self.d["spec"]["template"])
        digest = template_hash(template, (d.get("status") or {}).get("collisionCount"))
        template.setdefault("metadata", {}).setdefault("labels", {})[rollout.HASH_LABEL] = digest
        selector = clone(d["spec"]["selector"])
        selector.setdefault("matchLabels", {})[rollout.HASH_LABEL] = digest
        rs: Obj = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{d['metadata']['name']}-{digest}",
                "namespace": d["metadata"]["namespace"],
                "labels": dict(template["metadata"]["labels"]),
                "ownerReferences": [owner_reference(d, DEPLOYMENT)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }
        if d["spec"].get("minReadySeconds"):
            rs["spec"]["minReadySeconds"] = d["spec"]["minReadySeconds"]
        rs["spec"]["replicas"] = rollout.new_replicas(d, [*old, rs], rs)
        rollout.set_new_annotations(d, rs, newest, exists=False)
        return rs

    async def _create_new(self, old: list[Obj], newest: int) -> Obj | None:
        draft = self._draft(old, newest)
        name, fresh = draft["metadata"]["name"], True
        try:
            made = await self._client.create(REPLICA_SETS, draft, draft["metadata"]["namespace"])
        except StatusError as error:
            if not is_already_exists(error):
                await self._failed_to_create(name, error)
                raise
            made, fresh = await self._existing(name, error), False
        if fresh and rollout.replicas(made) > 0:
            self._say(f"Scaled up replica set {name} from 0 to {rollout.replicas(made)}")
        noted = self._note_revision(str(newest))
        status = clone(self.d.get("status") or {})
        if fresh and rollout.deadline(self.d) is not None:
            text = f'Created new replica set "{name}"'
            rollout.set_condition(
                status, rollout.make_condition("Progressing", "True", "NewReplicaSetCreated", text, self._clock.now())
            )
        await self._write_status(status, force=noted)
        return made

    async def _existing(self, name: str, error: StatusError) -> Obj:
        """The name is taken: by ourselves a moment ago, or by another template with the same hash."""
        found = await self._client.get(REPLICA_SETS, name, self.d["metadata"]["namespace"])
        if controlled_by(found, self.d) and rollout.same_template(
            found["spec"]["template"], self.d["spec"]["template"]
        ):
            return found
        status = clone(self.d.get("status") or {})
        status["collisionCount"] = (status.get("collisionCount") or 0) + 1
        await self._write_status(status)
        raise error

    async def _failed_to_create(self, name: str, error: StatusError) -> None:
        if namespace_terminating(error):
            return
        text = f'Failed to create new replica set "{name}": {error}'
        if rollout.deadline(self.d) is not None:
            await self._set_condition("False", "ReplicaSetCreateError", text)
        self._recorder.event(self.d, DEPLOYMENT, WARNING, "ReplicaSetCreateError", text)

    async def _scale(self, rs: Obj, size: int) -> Obj:
        before, own = rollout.replicas(rs), clone(rs)
        changed = rollout.set_replicas_annotations(own, self.d)
        if before == size and not changed:
            return rs
        own["spec"]["replicas"] = size
        written = await self._client.update(REPLICA_SETS, own)
        if before != size:
            way = "up" if before < size else "down"
            self._say(f"Scaled {way} replica set {rs['metadata']['name']} from {before} to {size}")
        return written

    def _say(self, message: str) -> None:
        self._recorder.event(self.d, DEPLOYMENT, NORMAL, "ScalingReplicaSet", message)

    async def _clean_up(self, old: list[Obj]) -> None:
        limit = rollout.history_limit(self.d)
        if limit is None:
            return
        candidates = [rs for rs in old if not rs["metadata"].get("deletionTimestamp")]
        surplus = len(candidates) - limit
        for rs in sorted(candidates, key=rollout.revision)[: max(surplus, 0)]:
            settled = (rs["metadata"].get("generation") or 0) <= rollout.seen(rs, "observedGeneration")
            if rollout.replicas(rs) or rollout.seen(rs, "replicas") or not settled:
                continue
            try:
                await self._client.delete(REPLICA_SETS, rs["metadata"]["name"], rs["metadata"]["namespace"])
            except StatusError as error:
                if not is_not_found(error):
                    raise


def _all(old: Sequence[Obj], new: Obj | None) -> list[Obj]:
    return [*old] if new is None else [*old, new]


def _replace(rs: Obj, new: Obj | None, old: list[Obj]) -> tuple[Obj | None, list[Obj]]:
    """Put a written ReplicaSet where its older self stood."""
    uid = rs["metadata"]["uid"]
    if new is not None and new["metadata"]["uid"] == uid:
        return rs, old
    return new, [rs if o["metadata"]["uid"] == uid else o for o in old]


def start(context: Context) -> DeploymentController:
    return DeploymentController(context)
