"""CronJobs: a Job at every time of a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.controllers import cron
from cluster.controllers.context import Context
from cluster.controllers.job import finished
from cluster.machinery.clock import parse_time, rfc3339
from cluster.machinery.events import NORMAL, WARNING, reference
from cluster.machinery.owners import controller_uid, owner_reference
from cluster.machinery.pods import condition
from cluster.machinery.resources import CRON_JOB, CRON_JOBS, JOB, JOBS
from cluster.meta.errors import StatusError, is_already_exists, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_SLACK = 0.1
_MANY = 100


def schedule_of(cronjob: Obj) -> cron.Schedule:
    return cron.parse(cronjob["spec"]["schedule"], cronjob["spec"].get("timeZone") or "")


def due(cronjob: Obj, schedule: cron.Schedule, now: float) -> tuple[float | None, int]:
    """The latest time that has come since the last run (or the creation), and how many have."""
    status = cronjob.get("status") or {}
    since = parse_time(status.get("lastScheduleTime") or cronjob["metadata"]["creationTimestamp"])
    deadline = cronjob["spec"].get("startingDeadlineSeconds")
    if deadline is not None:
        since = max(since, now - deadline)
    latest, missed = None, 0
    following = schedule.after(since)
    while following is not None and following <= now:
        latest, missed = following, missed + 1
        if missed > _MANY:
            following = schedule.after(max(following, now - 2 * (following - since) / missed))
            missed = _MANY + 1
            if following is None or following > now:
                break
            continue
        following = schedule.after(following)
    return latest, missed


def new_job(cronjob: Obj, at: float) -> Obj:
    template = cronjob["spec"]["jobTemplate"]
    source = template.get("metadata") or {}
    meta: dict[str, Any] = {
        "name": f"{cronjob['metadata']['name']}-{int(at) // 60}",
        "namespace": cronjob["metadata"]["namespace"],
        "annotations": {**(source.get("annotations") or {}), SCHEDULED: rfc3339(at)},
        "ownerReferences": [owner_reference(cronjob, CRON_JOB)],
    }
    if source.get("labels"):
        meta["labels"] = dict(source["labels"])
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": clone(template["spec"])}


def surplus(jobs: Sequence[Obj], type_: str, limit: int | None) -> list[Obj]:
    """Ended jobs beyond the history limit, the oldest first."""
    if limit is None:
        return []
    ended = [job for job in jobs if (c := condition(job, type_)) is not None and c["status"] == "True"]
    ended.sort(key=lambda job: ((job.get("status") or {}).get("startTime") or "", job["metadata"]["name"]))
    return ended[: max(len(ended) - limit, 0)]


class CronJobController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._cronjobs, self._jobs = context.informers.of(CRON_JOBS), context.informers.of(JOBS)
        self._jobs.add_index("owner", lambda job: (controller_uid(job),))
        self._recorder = context.recorder("cronjob-controller")
        self.loop = context.controller("cronjob", self.reconcile, [self._cronjobs, self._jobs], workers=2)
        self._cronjobs.add_handler(self._changed)
        self._jobs.add_handler(self._job_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        """Its status too: what was last scheduled may have been set by somebody else."""
        self.loop.queue.add(key_of(new or old or {}))

    def _job_changed(self, old: Obj | None, new: Obj | None) -> None:
        job = new or old
        assert job is not None
        for ref in job["metadata"].get("ownerReferences") or ():
            if ref.get("controller") and ref["kind"] == "CronJob":
                self.loop.queue.add(ObjectKey(job["metadata"]["namespace"], ref["name"]))

    async def reconcile(self, key: ObjectKey) -> float | None:
        found = self._cronjobs.get(key.name, key.namespace)
        if found is None:
            return None
        cronjob = {**clone(found), "apiVersion": CRON_JOB.api_version, "kind": CRON_JOB.kind}
        status = cronjob.setdefault("status", {})
        jobs = self._jobs.by_index("owner", cronjob["metadata"]["uid"])
        self._follow(cronjob, status, jobs)
        again = None
        if not cronjob["metadata"].get("deletionTimestamp"):
            again = await self._start(cronjob, status, jobs)
            await self._clean(cronjob, status, jobs)
        if not status.get("active"):
            status.pop("active", None)
        if status != (found.get("status") or {}):
            await self._client.update(CRON_JOBS, cronjob, subresource="status")
        return again

    def _say(self, cronjob: Obj, type_: str, reason: str, text: str) -> None:
        self._recorder.event(cronjob, CRON_JOB, type_, reason, text)

    def _follow(self, cronjob: Obj, status: dict[str, Any], jobs: Sequence[Obj]) -> None:
        """Bring the list of active jobs up to date."""
        active = {ref["uid"]: ref for ref in status.get("active") or ()}
        for job in jobs:
            name, uid = job["metadata"]["name"], job["metadata"]["uid"]
            if not finished(job):
                if uid not in active:
                    text = f"Saw a job that the controller did not create or forgot: {name}"
                    self._say(cronjob, WARNING, "UnexpectedJob", text)
                continue
            if active.pop(uid, None) is not None:
                end = next(t for t in ("Complete", "Failed") if (c := condition(job, t)) and c["status"] == "True")
                text = f"Saw completed job: {name}, condition: {end}"
                self._say(cronjob, NORMAL, "SawCompletedJob", text)
            done = (job.get("status") or {}).get("completionTime")
            if done and done > (status.get("lastSuccessfulTime") or ""):
                status["lastSuccessfulTime"] = done
        present = {job["metadata"]["uid"] for job in jobs}
        for uid, ref in [*active.items()]:
            if uid not in present and self._missing(cronjob, ref):
                del active[uid]
        status["active"] = list(active.values())

    def _missing(self, cronjob: Obj, ref: dict[str, Any]) -> bool:
        if self._jobs.get(ref["name"], cronjob["metadata"]["namespace"]) is not None:
            return False
        if int(ref.get("resourceVersion") or 0) > self._newest_job():
            return False
        self._say(cronjob, NORMAL, "MissingJob", f"Active job went missing: {ref['name']}")
        return True

    def _newest_job(self) -> int:
        """What the informer has seen: a job created a moment ago is not missing, only not shown yet."""
        return max((int(job["metadata"]["resourceVersion"]) for job in self._jobs.list()), default=1 << 62)

    async def _start(self, cronjob: Obj, status: dict[str, Any], jobs: Sequence[Obj]) -> float | None:
        """Start a job when its time has come. Seconds until the next time."""
        spec = cronjob["spec"]
        if spec.get("suspend"):
            return None
        try:
            schedule = schedule_of(cronjob)
        except ValueError as error:
            text = f"unparseable schedule: {spec['schedule']} : {error}"
            self._say(cronjob, WARNING, "UnparseableSchedule", text)
            return None
        now = self._context.clock.now()
        following = schedule.after(now)
        again = following - now + _SLACK if following is not None else None
        at, missed = due(cronjob, schedule, now)
        if missed > _MANY:
            text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self._say(cronjob, WARNING, "TooManyMissedTimes", text)
        if at is None or self._ran_already(cronjob, at, status, jobs):
            return again
        policy = spec.get("concurrencyPolicy", "Allow")
        if policy == "Forbid" and status["active"]:
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._say(cronjob, NORMAL, "JobAlreadyActive", text)
            return again
        if policy == "Replace":
            for ref in status["active"]:
                await self._delete(cronjob, ref["name"])
            status["active"] = []
        await self._create(cronjob, status, at)
        return again

    @staticmethod
    def _ran_already(cronjob: Obj, at: float, status: dict[str, Any], jobs: Sequence[Obj]) -> bool:
        name = new_job(cronjob, at)["metadata"]["name"]
        return any(job["metadata"]["name"] == name for job in jobs) or any(
            ref["name"] == name for ref in status["active"]
        )

    async def _create(self, cronjob: Obj, status: dict[str, Any], at: float) -> None:
        job = new_job(cronjob, at)
        name = job["metadata"]["name"]
        try:
            made = await self._client.create(JOBS, job, cronjob["metadata"]["namespace"])
        except StatusError as error:
            if not is_already_exists(error):
                self._say(cronjob, WARNING, "FailedCreate", f"Error creating job: {error}")
                raise
            return
        self._say(cronjob, NORMAL, "SuccessfulCreate", f"Created job {name}")
        status["active"].append(reference(made, JOB))
        status["lastScheduleTime"] = rfc3339(at)

    async def _clean(self, cronjob: Obj, status: dict[str, Any], jobs: Sequence[Obj]) -> None:
        spec = cronjob["spec"]
        old = surplus(jobs, "Complete", spec.get("successfulJobsHistoryLimit"))
        for job in [*old, *surplus(jobs, "Failed", spec.get("failedJobsHistoryLimit"))]:
            if not job["metadata"].get("deletionTimestamp"):
                await self._delete(cronjob, job["metadata"]["name"])

    async def _delete(self, cronjob: Obj, name: str) -> None:
        try:
            await self._client.delete(JOBS, name, cronjob["metadata"]["namespace"], propagation="Background")
        except StatusError as error:
            if is_not_found(error):
                return
            self._say(cronjob, WARNING, "FailedDelete", f"Deleted job: {error}")
            raise
        self._say(cronjob, NORMAL, "SuccessfulDelete", f"Deleted job {name}")


def start(context: Context) -> CronJobController:
    return CronJobController(context)
