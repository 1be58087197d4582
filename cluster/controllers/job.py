"""Jobs: pods that run to their end, so many times.

Every pod of a Job carries a finalizer until it has been counted. A finished pod is first written down in
status.uncountedTerminatedPods, then its finalizer goes, then it moves into the counters: whatever is lost in
between, no pod is counted twice or never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from cluster.controllers import job_accounts as accounts
from cluster.controllers.context import Context
from cluster.controllers.job_accounts import FAILURES, FINALIZER, INDEX, Account, Ending
from cluster.controllers.pod_control import PodControl, namespace_terminating, pod_from_template, slow_start
from cluster.controllers.replicas import pods_by_controller
from cluster.machinery import pods as podlib
from cluster.machinery.clock import rfc3339
from cluster.machinery.events import NORMAL, WARNING
from cluster.machinery.expectations import Expectations
from cluster.machinery.owners import STRATEGIC, Claimer, controller_uid
from cluster.machinery.pods import condition
from cluster.machinery.resources import JOB, JOBS, PODS
from cluster.machinery.selecting import label_selector, labels_of
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

_BATCH = 0.25
"""Seconds in which changes of pods that go on running are gathered: they only move a number in status."""
_INDEX_ENV: dict[str, Any] = {
    "name": "JOB_COMPLETION_INDEX",
    "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}},
}


def finished(job: Obj) -> bool:
    ends = (condition(job, type_) for type_ in ("Complete", "Failed"))
    return any(end is not None and end["status"] == "True" for end in ends)


def pending_indexes(job: Obj, found: Account, number: int) -> list[int]:
    """The next indexes without a pod."""
    taken = found.succeeded_indexes | found.failed_indexes | {accounts.index_of(pod) for pod in found.active}
    free = (i for i in range(job["spec"].get("completions") or 0) if i not in taken)
    return [index for index, _ in zip(free, range(number), strict=False)]


def new_pod(job: Obj, index: int | None, failures: int) -> Obj:
    """A pod of the Job; with an index, its name, host name, labels and environment tell it."""
    pod = pod_from_template(job["spec"]["template"], job, JOB)
    meta = pod["metadata"]
    meta["finalizers"] = [FINALIZER]
    if index is None:
        return pod
    name = job["metadata"]["name"]
    meta["generateName"] = f"{name}-{index}-"
    meta.setdefault("annotations", {})[INDEX] = str(index)
    meta.setdefault("labels", {})[INDEX] = str(index)
    if job["spec"].get("backoffLimitPerIndex") is not None:
        meta["annotations"][FAILURES] = str(failures)
    pod["spec"]["hostname"] = f"{name}-{index}"
    for container in [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]:
        if not any(env["name"] == _INDEX_ENV["name"] for env in container.get("env") or ()):
            container.setdefault("env", []).append(clone(_INDEX_ENV))
    return pod


class JobController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._jobs, self._pods = context.informers.of(JOBS), context.informers.of(PODS)
        pods_by_controller(self._pods)
        self._recorder = context.recorder("job-controller")
        self._control = PodControl(context.client, self._recorder, JOB)
        self._claimer = Claimer(context.client, JOB, JOBS, PODS)
        self._expectations = Expectations(context.clock)
        self._released: dict[ObjectKey, set[str]] = {}
        self._written: dict[ObjectKey, int] = {}
        self._index_failures: dict[tuple[str, int], int] = {}
        self._failures: dict[ObjectKey, list[Obj]] = {}
        self.loop = context.controller("job", self.reconcile, [self._jobs, self._pods], workers=5)
        self._jobs.add_handler(self._job_changed)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _job_changed(self, old: Obj | None, new: Obj | None) -> None:
        key = key_of(new or old or {})
        if new is None:
            self._forget(key)
            for pod in self._pods.by_index("controller", (old or {})["metadata"]["uid"]):
                self._orphaned(pod)
        self.loop.queue.add(key)

    def _forget(self, key: ObjectKey) -> None:
        self._expectations.forget(key)
        for memory in (self._released, self._written, self._failures):
            memory.pop(key, None)

    def _orphaned(self, pod: Obj) -> None:
        """Its Job is gone: nobody will count it, so the finalizer must not hold it."""
        if accounts.tracked(pod):
            self.loop.queue.add(ObjectKey(f"orphan/{pod['metadata']['namespace']}", pod["metadata"]["name"]))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        pod = new or old
        assert pod is not None
        key, before = _job_of(pod), _job_of(old)
        if before is not None and before != key:
            self.loop.queue.add(before)
        if key is None:
            if new is not None:
                self._orphaned(new)
                self._offer(old, new)
            return
        if old is None:
            self._expectations.created(key)
        if new is None or new["metadata"].get("deletionTimestamp"):
            self._expectations.deleted(key, pod["metadata"]["uid"])
        if new is None:
            self._released.get(key, set()).discard(pod["metadata"]["uid"])
        elif key not in self._jobs and accounts.tracked(new):
            self._orphaned(new)
        steady = old is not None and new is not None and podlib.active(new)
        self.loop.queue.add_after(key, _BATCH if steady else 0.0)

    def _offer(self, old: Obj | None, new: Obj) -> None:
        """A pod without an owner may be one for a Job that selects it."""
        changed = old is None or labels_of(old) != labels_of(new) or _job_of(old) is not None
        if not changed or controller_uid(new) or not labels_of(new):
            return
        for job in self._jobs.list(new["metadata"]["namespace"]):
            if label_selector(job["spec"].get("selector"))(labels_of(new)):
                self.loop.queue.add(key_of(job))

    # -- the loop ----------------------------------------------------------------------------------------------

    async def reconcile(self, key: ObjectKey) -> float | None:
        if key.namespace.startswith("orphan/"):
            await self._free_orphan(ObjectKey(key.namespace.removeprefix("orphan/"), key.name))
            return None
        job = self._jobs.get(key.name, key.namespace)
        if job is None:
            self._forget(key)
            return None
        if int(job["metadata"]["resourceVersion"]) < self._written.get(key, 0):
            return None
        if job["spec"].get("managedBy") not in {None, "kubernetes.io/job-controller"}:
            return None
        if finished(job):
            await self._release(key, [p for p in self._mine(job) if accounts.tracked(p)])
            return None
        selects = label_selector(job["spec"].get("selector"))
        orphans = self._pods.by_index("controller", f"orphan:{key.namespace}")
        pods = await self._claimer.claim(
            job, [*self._mine(job), *orphans], lambda pod: selects(labels_of(pod)), finalizers=(FINALIZER,)
        )
        return await self._sync(key, {**job, "apiVersion": JOB.api_version, "kind": JOB.kind}, pods)

    def _mine(self, job: Obj) -> list[Obj]:
        return self._pods.by_index("controller", job["metadata"]["uid"])

    async def _free_orphan(self, key: ObjectKey) -> None:
        pod = self._pods.get(key.name, key.namespace)
        if pod is None or not accounts.tracked(pod):
            return
        uid = controller_uid(pod)
        if not any(job["metadata"]["uid"] == uid for job in self._jobs.list(key.namespace)):
            await self._take_finalizer(pod)

    async def _sync(self, key: ObjectKey, job: Obj, pods: Sequence[Obj]) -> float | None:
        now = self._context.clock.now()
        status = clone(job.get("status") or {})
        if not status.get("startTime") and not job["spec"].get("suspend"):
            status["startTime"] = rfc3339(now)
        job = {**job, "status": status}
        found = accounts.account(job, pods, self._released.get(key, set()))
        end = accounts.ending(job, found, now)
        again, failure = None, None
        settled = self._expectations.satisfied(key)
        if settled and not job["metadata"].get("deletionTimestamp"):
            again, failure = await self._act(key, job, found, end, now)
        await self._settle(key, job, found, end, now)
        if failure is not None:
            raise failure
        waits = [w for w in (again, accounts.deadline_left(job, now)) if w is not None and w > 0]
        return min(waits) if waits else None

    async def _act(
        self, key: ObjectKey, job: Obj, found: Account, end: Ending | None, now: float
    ) -> tuple[float | None, StatusError | None]:
        """Create or delete pods; `found.active` follows. Seconds to wait for a back-off, and a failure."""
        if end is not None or job["spec"].get("suspend"):
            return None, await self._delete(key, job, found, list(found.active), keep_status=end is None)
        want = accounts.wanted_active(job, found)
        surplus = [p for p in found.active if accounts.indexed(job) and self._out_of_range(job, p)]
        if len(found.active) - len(surplus) > want:
            rest = [p for p in found.active if p not in surplus]
            surplus += sorted(rest, key=_removal_rank)[: len(rest) - want]
        if surplus:
            return None, await self._delete(key, job, found, surplus, keep_status=True)
        missing = want - len(found.active) - (found.terminating if accounts.only_failed_replaced(job) else 0)
        if missing <= 0:
            return None, None
        wait = self._wait(key, found, now)
        if wait > 0:
            return wait, None
        return None, await self._create(key, job, found, missing)

    @staticmethod
    def _out_of_range(job: Obj, pod: Obj) -> bool:
        return not 0 <= accounts.index_of(pod) < (job["spec"].get("completions") or 0)

    def _wait(self, key: ObjectKey, found: Account, now: float) -> float:
        known = self._failures.setdefault(key, [])
        seen = {pod["metadata"]["uid"] for pod in known}
        known += [pod for pod in found.fresh_failed if pod["metadata"]["uid"] not in seen]
        return accounts.back_off_left(known, found.fresh_succeeded, 0, now)

    async def _create(self, key: ObjectKey, job: Obj, found: Account, missing: int) -> StatusError | None:
        indexes: list[int | None] = [None] * missing
        if accounts.indexed(job):
            indexes = [*pending_indexes(job, found, missing)]
        self._expectations.expect(key, creations=len(indexes))
        uid = job["metadata"]["uid"]

        async def one(position: int) -> None:
            index = indexes[position]
            failures = self._index_failures.get((uid, index), 0) if index is not None else 0
            try:
                found.active.append(await self._control.create(new_pod(job, index, failures), job))
            except StatusError as error:
                if not namespace_terminating(error):
                    raise

        done, failure = await slow_start(len(indexes), one)
        self._expectations.created(key, len(indexes) - done)
        return failure

    async def _delete(
        self, key: ObjectKey, job: Obj, found: Account, doomed: list[Obj], *, keep_status: bool
    ) -> StatusError | None:
        if not doomed:
            return None
        self._expectations.expect(key, deletions=[pod["metadata"]["uid"] for pod in doomed])

        async def one(index: int) -> None:
            pod = doomed[index]
            try:
                await self._control.delete(pod, job)
            except StatusError as error:
                self._expectations.deleted(key, pod["metadata"]["uid"])
                if not is_not_found(error):
                    raise
            found.active.remove(pod)
            found.terminating += 1
            await self._uncounted(key, pod, keep_status)

        return (await slow_start(len(doomed), one, first=len(doomed)))[1]

    async def _uncounted(self, key: ObjectKey, pod: Obj, leave: bool) -> None:
        """A pod the controller itself removes (suspension, less parallelism) is no failure of the Job."""
        if leave:
            await self._release(key, [pod])

    # -- accounting --------------------------------------------------------------------------------------------

    async def _settle(self, key: ObjectKey, job: Obj, found: Account, end: Ending | None, now: float) -> None:
        status = self._new_status(job, found, now)
        if end is None:
            self._suspension(job, status, now)
        else:
            accounts.set_condition(status, accounts.make_condition(end.type, "True", end.reason, end.message, now))
        fresh = [*found.fresh_succeeded, *found.fresh_failed]
        if fresh:
            await self._count(key, job, found, status)
        final = end is not None and not found.active and not found.terminating
        if final and end is not None:
            accounts.set_condition(status, accounts.make_condition(end.final, "True", end.reason, end.message, now))
            if end.final == "Complete":
                status["completionTime"] = rfc3339(now)
        before = self._current(key, job)
        if status != before:
            await self._write(key, job, status)
        if final and end is not None:
            self._tell_end(job, end)

    def _current(self, key: ObjectKey, job: Obj) -> dict[str, Any]:
        found = self._jobs.get(key.name, key.namespace)
        return (found or job).get("status") or {}

    def _tell_end(self, job: Obj, end: Ending) -> None:
        if end.final == "Complete":
            self._recorder.event(job, JOB, NORMAL, "Completed", "Job completed")
        else:
            self._recorder.event(job, JOB, WARNING, end.reason, end.message)

    def _new_status(self, job: Obj, found: Account, now: float) -> dict[str, Any]:
        old = job["status"]
        out: dict[str, Any] = {k: old[k] for k in ("conditions", "startTime", "completionTime") if k in old}
        out["conditions"] = list(out.get("conditions") or [])
        counts = {"active": len(found.active), "succeeded": found.succeeded, "failed": found.failed}
        out |= {k: v for k, v in counts.items() if v}
        out |= {"terminating": found.terminating, "ready": found.ready, "uncountedTerminatedPods": {}}
        if found.succeeded_indexes:
            out["completedIndexes"] = accounts.print_indexes(found.succeeded_indexes)
        if accounts.indexed(job) and job["spec"].get("backoffLimitPerIndex") is not None:
            out["failedIndexes"] = accounts.print_indexes(found.failed_indexes)
        return out

    def _suspension(self, job: Obj, status: dict[str, Any], now: float) -> None:
        suspended = bool(job["spec"].get("suspend"))
        known = condition({"status": status}, "Suspended")
        if suspended:
            text = accounts.make_condition("Suspended", "True", "JobSuspended", "Job suspended", now)
            if accounts.set_condition(status, text):
                self._recorder.event(job, JOB, NORMAL, "Suspended", "Job suspended")
            status.pop("startTime", None)
        elif known is not None and known["status"] == "True":
            text = accounts.make_condition("Suspended", "False", "JobResumed", "Job resumed", now)
            accounts.set_condition(status, text)
            self._recorder.event(job, JOB, NORMAL, "Resumed", "Job resumed")
            status["startTime"] = rfc3339(now)

    async def _count(self, key: ObjectKey, job: Obj, found: Account, status: dict[str, Any]) -> None:
        """Write the uids down, take the finalizers off; the caller then writes the counters."""
        old = job["status"]
        noted = {
            "succeeded": [p["metadata"]["uid"] for p in found.fresh_succeeded],
            "failed": [p["metadata"]["uid"] for p in found.fresh_failed],
        }
        interim = dict(status) | {"uncountedTerminatedPods": {k: v for k, v in noted.items() if v}}
        for field in ("succeeded", "failed"):
            interim.pop(field, None)
            if old.get(field):
                interim[field] = old[field]
        await self._write(key, job, interim)
        self._remember_index_failures(job, found)
        await self._release(key, [*found.fresh_succeeded, *found.fresh_failed])

    def _remember_index_failures(self, job: Obj, found: Account) -> None:
        ignored = {id(pod) for pod in found.ignored}
        for pod in found.fresh_failed:
            if id(pod) not in ignored:
                mark = (job["metadata"]["uid"], accounts.index_of(pod))
                self._index_failures[mark] = self._index_failures.get(mark, 0) + 1

    async def _write(self, key: ObjectKey, job: Obj, status: dict[str, Any]) -> None:
        if not status.get("conditions"):
            status = {k: v for k, v in status.items() if k != "conditions"}
        written = await self._client.update(JOBS, {**job, "status": status}, subresource="status")
        job["metadata"] = written["metadata"]
        self._written[key] = int(written["metadata"]["resourceVersion"])

    async def _release(self, key: ObjectKey, pods: Sequence[Obj]) -> None:
        released = self._released.setdefault(key, set())
        fresh = [pod for pod in pods if accounts.tracked(pod) and pod["metadata"]["uid"] not in released]
        released.update(pod["metadata"]["uid"] for pod in fresh)
        try:
            await asyncio.gather(*(self._take_finalizer(pod) for pod in fresh))
        except StatusError:
            released.difference_update(pod["metadata"]["uid"] for pod in fresh)
            raise

    async def _take_finalizer(self, pod: Obj) -> None:
        meta = pod["metadata"]
        body = {"metadata": {"uid": meta["uid"], "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
        try:
            await self._client.patch(PODS, meta["name"], meta["namespace"], body, patch_type=STRATEGIC)
        except StatusError as error:
            if not is_not_found(error):
                raise


def _removal_rank(pod: Obj) -> tuple[Any, ...]:
    return (
        bool(podlib.node_name(pod)),
        {"Pending": 0, "Unknown": 1, "Running": 2}.get(podlib.phase(pod), 0),
        podlib.ready(pod),
        -podlib.ready_since(pod),
        pod["metadata"].get("uid"),
    )


def _job_of(pod: Obj | None) -> ObjectKey | None:
    """The Job that controls it, by name."""
    for ref in ((pod or {}).get("metadata") or {}).get("ownerReferences") or ():
        if ref.get("controller"):
            return ObjectKey(pod["metadata"]["namespace"], ref["name"]) if pod and ref["kind"] == "Job" else None
    return None


def start(context: Context) -> JobController:
    return JobController(context)
