"""Events that go by themselves: Kubernetes keeps each for an hour after its last change.

etcd forgets them by a lease on the key; a store here knows no time, so the server looks through its cache every now and
then. How old an event is stands in the event. Several servers may sweep one store: each deletes what it has seen, at
the revision it has seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.feed import Feed
from cluster.machinery.clock import Clock, parse_time
from cluster.meta.types import GroupResource, Obj
from cluster.storage.interface import Key, KeyMissing, Revision, RevisionMismatch, Store, StoreUnavailable

EVENTS = (GroupResource("", "events"), GroupResource("events.k8s.io", "events"))
TTL = 3600.0
EVERY = 60.0
"""Seconds."""


class EventExpiry:
    """`run` must be a task for as long as the server lives. `ttl` seconds; 0 keeps events for ever."""

    def __init__(self, store: Store, feed: Feed, clock: Clock, ttl: float = TTL) -> None:
        self._store, self._feed, self._clock, self._ttl = store, feed, clock, ttl
        self._due: dict[Key, tuple[int, float]] = {}
        """Key -> the revision looked at, and when that expires."""

    async def run(self) -> None:
        while self._ttl:
            await self._clock.sleep(EVERY)
            await self.sweep()

    async def sweep(self) -> None:
        """Delete what has expired by now."""
        now, due = self._clock.now(), {}
        for key, entry in self._entries():
            revision, at = self._due.get(key, (0, 0.0))
            if revision != entry.revision:
                at = self._expires(entry, now)
            due[key] = entry.revision, at
        self._due = due
        for key, (revision, at) in due.items():
            if at <= now:
                await self._delete(key, Revision(revision))

    def _entries(self) -> Iterator[tuple[Key, Entry]]:
        for resource in EVENTS:
            cache = self._feed.cache(resource)
            for key, entry in list(cache.entries.items()):
                yield Key(cache.prefix + key), entry

    def _expires(self, entry: Entry, now: float) -> float:
        changed = _changed(entry.obj)
        # A clock that was set back must not keep it for ever.
        at = min(changed, now) + self._ttl if changed else now + self._ttl
        entry.drop_forms()
        return at

    async def _delete(self, key: Key, revision: Revision) -> None:
        try:
            await self._store.delete_if(key, revision)
        except (KeyMissing, RevisionMismatch, StoreUnavailable):
            # It has gone or has happened again; else the next look is soon.
            return


def _changed(event: Obj) -> float:
    """When the event was last written, as far as it says; 0 when it does not."""
    meta = event["metadata"]
    series = event.get("series") or {}
    said = [event.get("lastTimestamp"), event.get("eventTime"), series.get("lastObservedTime")]
    said += [meta.get("creationTimestamp"), *(m.get("time") for m in meta.get("managedFields") or ())]
    return max((_time(text) for text in said if text), default=0.0)


def _time(text: str) -> float:
    try:
        return parse_time(text)
    except ValueError:
        return 0.0
