"""The one controller loop: retry, de-duplication, back-off and shutdown live here and nowhere else.

A controller brings a name and `reconcile(key)`, which reads, plans, acts and writes status. It may return seconds
after which it wants to see the key again. What it raises is retried with a growing delay; a conflict means that
its picture was old and is retried without noise.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from cluster.machinery.clock import Clock
from cluster.machinery.informer import Informer
from cluster.machinery.workqueue import Shutdown, WorkQueue
from cluster.meta.errors import StatusError

K = TypeVar("K", bound=Hashable)
Reconcile = Callable[[K], Awaitable[float | None]]

log = logging.getLogger(__name__)


class Controller(Generic[K]):
    """`queue` is where handlers put keys; `run` works them off once `informers` have listed."""

    def __init__(
        self,
        name: str,
        reconcile: Reconcile[K],
        clock: Clock,
        *,
        informers: Sequence[Informer] = (),
        workers: int = 4,
        longest_delay: float = 1000.0,
    ) -> None:
        self.name = name
        self.queue: WorkQueue[K] = WorkQueue(clock, cap=longest_delay)
        self._reconcile, self._informers, self._workers = reconcile, informers, workers

    async def run(self) -> None:
        """Until cancelled or until the queue is shut down and empty."""
        for informer in self._informers:
            await informer.synced.wait()
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(), name=f"{self.name} worker {number}")

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except Shutdown:
                return
            try:
                await self._step(key)
            finally:
                self.queue.done(key)

    async def _step(self, key: K) -> None:
        try:
            again = await self._reconcile(key)
        except StatusError as error:
            log.log(_level(error), "%s: %s: %s", self.name, key, error)
            self.queue.add_rate_limited(key)
        except Exception:
            log.exception("%s: %s failed", self.name, key)
            self.queue.add_rate_limited(key)
        else:
            self.queue.forget(key)
            if again is not None:
                self.queue.add_after(key, again)


def _level(error: StatusError) -> int:
    return logging.WARNING if error.code >= 500 else logging.DEBUG
