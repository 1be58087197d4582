"""A store that lives and dies with the process: for tests, trials and the simulation.

It keeps every promise of the interface except the one about kill -9.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from cluster.storage import keyspace as change
from cluster.storage.interface import Event, Key, Page, Record, Revision, StoreUnavailable
from cluster.storage.keyspace import Keyspace
from cluster.storage.watchers import Watchers

MOST_EVENTS = 10_000
MOST_BYTES = 6 << 20


class MemoryStore:
    """See cluster.storage.interface.Store. History is bounded by `most_events` and `most_bytes`."""

    shared = False

    def __init__(self, *, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self._space = Keyspace()
        self._watchers = Watchers()
        self._most = most_events, most_bytes
        self._closed = False

    async def get(self, key: Key) -> Record | None:
        self._check_open()
        return self._space.records.get(key)

    async def list_at(
        self, prefix: str, *, revision: Revision | None = None, after: Key | None = None, limit: int = 0
    ) -> Page:
        self._check_open()
        return self._space.page(prefix, revision, after, limit)

    async def create(self, key: Key, value: bytes) -> Revision:
        self._check_open()
        return self._commit(change.created(key, value, self._space.records.get(key), self._next()))

    async def update_if(self, key: Key, value: bytes, expected: Revision) -> Revision:
        self._check_open()
        return self._commit(change.updated(key, value, expected, self._space.records.get(key), self._next()))

    async def delete_if(self, key: Key, expected: Revision) -> Revision:
        self._check_open()
        return self._commit(change.deleted(key, expected, self._space.records.get(key), self._next()))

    async def watch_from(self, prefix: str, revision: Revision) -> AsyncIterator[list[Event]]:
        self._check_open()
        async for events in self._watchers.stream(prefix, self._space.after(revision, prefix)):
            yield events

    async def compact(self, revision: Revision) -> None:
        self._check_open()
        self._space.compact(revision)

    async def current_revision(self) -> Revision:
        self._check_open()
        return self._space.revision

    async def close(self) -> None:
        self._closed = True
        self._watchers.close()

    def _next(self) -> Revision:
        return Revision(self._space.revision + 1)

    def _commit(self, event: Event) -> Revision:
        self._space.apply(event)
        self._watchers.publish([event])
        if event.record.mod_revision % 256 == 0:
            self._space.compact(self._space.oldest_kept(*self._most))
        return event.record.mod_revision

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")
