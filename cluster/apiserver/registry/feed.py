"""From the store's one stream of changes to every watch cache, and the revision all of them have reached.

One watch over all keys, so every cache knows the same revision: a list served from memory is a consistent cut, and a
writer that waits for its own revision reads its own write.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable

from cluster.apiserver.registry.cache import ResourceCache
from cluster.apiserver.registry.entry import Entry, with_revision
from cluster.meta.types import GroupResource, Obj
from cluster.storage.interface import (
    Compacted,
    Event,
    EventType,
    Key,
    KeyExists,
    KeyMissing,
    Page,
    Record,
    Revision,
    RevisionMismatch,
    StaleRecord,
    Store,
    StoreUnavailable,
    UnreadableRecord,
)

_log = logging.getLogger(__name__)
ROOT = "/registry/"
_SEALED = b"k8s:enc:"
_STIR = Key("/registry/stir/feed")
_SILENCE = 0.25
"""Seconds to wait for a change that may have been nobody's here."""
_RELOAD_PAUSE = 1.0
_KEPT_DICTS = 256
"""Newest objects whose dict is kept though nobody may ask for it: a dict weighs several times its bytes."""


def unreadable(record: Record) -> str:
    """Why the record's value cannot be understood; empty for nearly all."""
    if type(record) is UnreadableRecord:
        return record.why
    if record.value.startswith(b"{"):
        return ""
    if record.value.startswith(_SEALED):
        return "identity transformer tried to read encrypted data"
    # A wrong key of a cipher that does not notice, or a store that somebody else uses too.
    return "the stored value is no JSON object"


class Feed:
    """Owns the caches of a server. `run` must be a task for as long as the server lives."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.caches: dict[str, ResourceCache] = {}
        self.revision = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._sequence = 0
        self._written: dict[int, tuple[bytes, Obj]] = {}
        self._fresh: deque[Entry] = deque()
        self._asking: asyncio.Task[int] | None = None
        self._next_asking: asyncio.Task[int] | None = None
        self.failure: BaseException | None = None
        self.watches: set[Callable[[], None]] = set()
        """What ends each watch under way, for an orderly stop."""

    def cache(self, resource: GroupResource) -> ResourceCache:
        """The cache of a resource, made on first use."""
        name = str(resource)
        found = self.caches.get(name)
        if found is None:
            found = self.caches[name] = ResourceCache(resource)
        return found

    async def load(self) -> None:
        """Read the whole state once."""
        page = await self._store.list_at(ROOT)
        for record in page.records:
            resource, _, key = record.key[len(ROOT) :].partition("/")
            group_resource = GroupResource(resource.partition(".")[2], resource.partition(".")[0])
            cache, why = self.cache(group_resource), unreadable(record)
            if why:
                cache.unreadable[key] = why
                continue
            cache.load(Entry(key, record.value, record.mod_revision))
            if type(record) is StaleRecord:
                cache.stale.add(key)
        self.revision = page.revision
        for cache in self.caches.values():
            cache.floor = self.revision
        self.started_at = self.revision

    started_at = 0

    async def run(self) -> None:
        """Follow the store until it closes."""
        try:
            while await self._lost_touch():
                await self._load_anew()
        except Exception as error:
            self.failure = error
            raise

    async def _lost_touch(self) -> bool:
        """Follow the store; True when changes after the last one seen are no longer kept."""
        try:
            async for events in self._store.watch_from(ROOT, Revision(self.revision)):
                for event in events:
                    self._apply(event)
                self._advance(events[-1].record.mod_revision)
        except Compacted:
            return True
        return False

    async def _load_anew(self) -> None:
        """Bring the caches to the present without the changes that led there: whoever watched begins again."""
        _log.warning("changes after revision %s are no longer kept; the state is read anew", self.revision)
        page = await self._patiently()
        for end in [*self.watches]:
            end()
        for cache in self.caches.values():
            cache.begin_anew()
        self._catch_up(page)
        for cache in self.caches.values():
            cache.floor = page.revision
            cache.begin_anew()
        self._advance(page.revision)

    async def _patiently(self) -> Page:
        while True:
            try:
                return await self._store.list_at(ROOT)
            except StoreUnavailable:
                await asyncio.sleep(_RELOAD_PAUSE)

    def _catch_up(self, page: Page) -> None:
        here = {record.key for record in page.records}
        for cache in [*self.caches.values()]:
            for key in [*cache.entries, *cache.unreadable]:
                if cache.prefix + key not in here:
                    cache.delete(key, page.revision)
        for record in sorted(page.records, key=lambda record: record.mod_revision):
            resource, _, key = record.key[len(ROOT) :].partition("/")
            held = self.caches[resource].entries.get(key) if resource in self.caches else None
            if held is None or held.revision != record.mod_revision:
                self._apply(Event(EventType.PUT, record, None))

    # Freshness.

    @property
    def shared(self) -> bool:
        """Whether others write too, so that the caches may lag behind what they acknowledged."""
        return self._store.shared

    async def fresh(self) -> None:
        """Wait until the caches have all that was acknowledged before, by whichever server. Raises StoreUnavailable."""
        newest = await self._newest()
        try:
            async with asyncio.timeout(_SILENCE):
                await self.reached(newest)
        except TimeoutError:
            # Its last changes were of keys that nobody follows here.
            await self._stir()
            await self.reached(newest)

    async def _newest(self) -> int:
        """The store's revision, asked for after this call began; who comes while it is asked shares the next answer."""
        if self._next_asking is None:
            self._next_asking = asyncio.ensure_future(self._ask(self._asking))
        return await asyncio.shield(self._next_asking)

    async def _ask(self, before: asyncio.Task[int] | None) -> int:
        if before is not None:
            await asyncio.wait((before,))
        self._asking, self._next_asking = self._next_asking, None
        return await self._store.current_revision()

    async def _stir(self) -> None:
        """Write something that the feed will see."""
        held = await self._store.get(_STIR)
        try:
            if held is None:
                await self._store.create(_STIR, b"{}")
            else:
                await self._store.update_if(_STIR, b"{}", held.mod_revision)
        except (KeyExists, KeyMissing, RevisionMismatch):
            # Somebody else did.
            return

    def announce(self, value: bytes, obj: Obj) -> None:
        """The dict that belongs to bytes about to be written, so that the cache need not decode them."""
        self._written[id(value)] = (value, obj)

    def retract(self, value: bytes) -> None:
        self._written.pop(id(value), None)

    async def reached(self, revision: int) -> None:
        """Wait until every cache has seen `revision`."""
        if self.revision >= revision:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sequence += 1
        heapq.heappush(self._waiting, (revision, self._sequence, done))
        await done

    def _apply(self, event: Event) -> None:
        record = event.record
        resource, _, key = record.key[len(ROOT) :].partition("/")
        cache = self.caches.get(resource)
        if cache is None:
            cache = self.cache(GroupResource(resource.partition(".")[2], resource.partition(".")[0]))
        if event.type is EventType.DELETE:
            cache.delete(key, record.mod_revision)
            return
        why = unreadable(record)
        if why:
            cache.lose(key, why, record.mod_revision)
            return
        entry = Entry(key, record.value, record.mod_revision)
        written = self._written.pop(id(record.value), None)
        if written is not None and written[0] is record.value:
            entry.keep(with_revision(written[1], record.mod_revision))
            self._fresh.append(entry)
            if len(self._fresh) > _KEPT_DICTS:
                self._fresh.popleft().drop_forms()
        cache.put(entry)
        if type(record) is StaleRecord:
            cache.stale.add(key)

    def _advance(self, revision: int) -> None:
        self.revision = revision
        while self._waiting and self._waiting[0][0] <= revision:
            done = heapq.heappop(self._waiting)[2]
            if not done.done():
                done.set_result(None)

    # What authz and admission read.

    def get(self, resource: GroupResource, namespace: str, name: str) -> Obj | None:
        entry = self.cache(resource).get(namespace, name)
        return None if entry is None else entry.obj

    def all(self, resource: GroupResource, namespace: str = "") -> Iterable[Obj]:
        cache = self.cache(resource)
        return [cache.entries[key].obj for key in cache.keys(namespace)]

    def version(self, resource: GroupResource) -> int:
        return self.cache(resource).version


Stream = AsyncIterator[list[Event]]
