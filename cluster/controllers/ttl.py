"""Finished Jobs with ttlSecondsAfterFinished are deleted when that time is over."""

from __future__ import annotations

from cluster.controllers.context import Context
from cluster.controllers.job import finished
from cluster.machinery.clock import parse_time
from cluster.machinery.pods import condition
from cluster.machinery.resources import JOBS
from cluster.meta.errors import StatusError, is_conflict, is_not_found
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey


def time_left(job: Obj, now: float) -> float | None:
    """Seconds to live; None for a Job that is not finished or has no such limit."""
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    if ttl is None or not finished(job) or job["metadata"].get("deletionTimestamp"):
        return None
    end = next(c for t in ("Complete", "Failed") if (c := condition(job, t)) and c["status"] == "True")
    return float(parse_time(end["lastTransitionTime"]) + ttl - now)


class TtlController:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._jobs = context.informers.of(JOBS)
        self.loop = context.controller("ttl-after-finished", self.reconcile, [self._jobs], workers=1)
        self._jobs.add_handler(self._changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None and time_left(new, 0.0) is not None:
            self.loop.queue.add(key_of(new))

    async def reconcile(self, key: ObjectKey) -> float | None:
        job = self._jobs.get(key.name, key.namespace)
        left = time_left(job, self._context.clock.now()) if job is not None else None
        if job is None or left is None or left > 0:
            return left
        try:
            await self._context.client.delete(
                JOBS, key.name, key.namespace, propagation="Foreground", uid=job["metadata"]["uid"]
            )
        except StatusError as error:
            if not is_not_found(error) and not is_conflict(error):
                raise
        return None


def start(context: Context) -> TtlController:
    return TtlController(context)
