"""Forgetting history by time, as Kubernetes does: what was past one period ago can be asked for no longer.

A store also bounds its history by size; this is what lets a long list that nobody continues, and a watch that nobody
resumes, end with 410 on a server where little happens. Several servers may do it to one store: each names a revision
that is old enough.
"""

from __future__ import annotations

from cluster.machinery.clock import Clock
from cluster.storage.interface import Revision, Store, StoreUnavailable

PERIOD = 300.0
"""Seconds."""


class Compaction:
    """`run` must be a task for as long as the server lives."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def run(self) -> None:
        before = await self._revision()
        while True:
            await self._clock.sleep(PERIOD)
            try:
                await self._store.compact(before)
            except StoreUnavailable:
                continue
            before = await self._revision() or before

    async def _revision(self) -> Revision:
        try:
            return await self._store.current_revision()
        except StoreUnavailable:
            return Revision(0)
