"""Keys, revisions and history in memory: the part every store shares. Synchronous, and ignorant of disks.

Theory: `records` is the newest state; `log` holds the changes since `floor`, oldest first, each with the record it
replaced. The state at an older revision is the newest state with the later changes undone, so no second index of
old versions is kept and history costs nothing but its own bytes. Compaction cuts the log's head.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from cluster.storage.interface import (
    Compacted,
    Event,
    EventType,
    FutureRevision,
    Key,
    KeyExists,
    KeyMissing,
    Page,
    Record,
    Revision,
    RevisionMismatch,
)


def created(key: Key, value: bytes, current: Record | None, revision: Revision) -> Event:
    """The change that creating makes; raises KeyExists."""
    if current is not None:
        raise KeyExists(key)
    return Event(EventType.PUT, Record(key, value, revision, revision), None)


def updated(key: Key, value: bytes, expected: Revision, current: Record | None, revision: Revision) -> Event:
    """The change that replacing makes; raises KeyMissing, RevisionMismatch."""
    found = _expect(key, expected, current)
    return Event(EventType.PUT, Record(key, value, revision, found.create_revision), found)


def deleted(key: Key, expected: Revision, current: Record | None, revision: Revision) -> Event:
    """The change that deleting makes; raises KeyMissing, RevisionMismatch."""
    found = _expect(key, expected, current)
    return Event(EventType.DELETE, Record(key, found.value, revision, found.create_revision), found)


def _expect(key: Key, expected: Revision, current: Record | None) -> Record:
    if current is None:
        raise KeyMissing(key)
    if current.mod_revision != expected:
        raise RevisionMismatch(current)
    return current


class Keyspace:
    """The committed state and its history."""

    def __init__(self) -> None:
        self.records: dict[Key, Record] = {}
        self.revision = Revision(0)
        self.floor = Revision(0)
        """Oldest revision whose state can still be given."""
        self.history_bytes = 0
        self._keys: list[Key] = []
        self._log: deque[Event] = deque()

    def __len__(self) -> int:
        return len(self._log)

    def load(self, records: Iterable[Record], revision: Revision, floor: Revision) -> None:
        """Start from a stored state."""
        self.records = {r.key: r for r in records}
        self._keys = sorted(self.records)
        self.revision, self.floor = revision, floor

    def apply(self, event: Event) -> None:
        """Make one change part of the state; changes come in revision order."""
        record = event.record
        if event.type is EventType.DELETE:
            del self.records[record.key]
            del self._keys[bisect_left(self._keys, record.key)]
        else:
            if event.previous is None:
                insort(self._keys, record.key)
            self.records[record.key] = record
        self.revision = record.mod_revision
        self._log.append(event)
        self.history_bytes += _weight(event)

    def after(self, revision: Revision, prefix: str) -> list[Event]:
        """Changes below `prefix` later than `revision`; raises Compacted."""
        self.check(revision)
        return [e for e in self._tail(revision) if e.record.key.startswith(prefix)]

    def check(self, revision: Revision) -> None:
        """Raises Compacted when history no longer reaches back to `revision`."""
        if revision < self.floor:
            raise Compacted(self.floor)

    def page(self, prefix: str, revision: Revision | None, after: Key | None, limit: int) -> Page:
        """See Store.list_at."""
        if revision is None or revision == self.revision:
            return self._page(self.records, self._keys, prefix, after, limit, self.revision)
        if revision > self.revision:
            raise FutureRevision(f"revision {revision} has not been reached; the newest is {self.revision}")
        self.check(revision)
        records = self._as_of(prefix, revision)
        return self._page(records, sorted(records), prefix, after, limit, revision)

    def compact(self, revision: Revision) -> list[Revision]:
        """Forget history before `revision`; returns the revisions whose values nobody can ask for any more."""
        gone: list[Revision] = []
        target = min(revision, self.revision)
        while self._log and self._log[0].record.mod_revision <= target:
            event = self._log.popleft()
            self.history_bytes -= _weight(event)
            if event.previous is not None:
                gone.append(event.previous.mod_revision)
            if event.type is EventType.DELETE:
                gone.append(event.record.mod_revision)
        self.floor = max(self.floor, target)
        return gone

    def oldest_kept(self, most_events: int, most_bytes: int) -> Revision:
        """The revision to compact to so that history stays within both bounds."""
        if len(self._log) <= most_events and self.history_bytes <= most_bytes:
            return self.floor
        spare = max(len(self._log) - most_events // 2, 0)
        size, target = self.history_bytes, self.floor
        for count, event in enumerate(self._log):
            if count >= spare and size <= most_bytes // 2:
                break
            size -= _weight(event)
            target = event.record.mod_revision
        return target

    def _tail(self, revision: Revision) -> Iterator[Event]:
        late = 0
        for event in reversed(self._log):
            if event.record.mod_revision <= revision:
                break
            late += 1
        return islice(self._log, len(self._log) - late, None)

    def _as_of(self, prefix: str, revision: Revision) -> dict[Key, Record]:
        low, high = _range(self._keys, prefix)
        state = {key: self.records[key] for key in self._keys[low:high]}
        for event in reversed(self._log):
            if event.record.mod_revision <= revision:
                break
            if not event.record.key.startswith(prefix):
                continue
            if event.previous is None:
                state.pop(event.record.key, None)
            else:
                state[event.record.key] = event.previous
        return state

    @staticmethod
    def _page(
        records: dict[Key, Record],
        keys: list[Key],
        prefix: str,
        after: Key | None,
        limit: int,
        revision: Revision,
    ) -> Page:
        low, high = _range(keys, prefix)
        if after is not None:
            low = max(low, bisect_right(keys, after))
        end = min(high, low + limit) if limit else high
        return Page(tuple(records[k] for k in keys[low:end]), revision, max(high - end, 0))


def _range(keys: list[Key], prefix: str) -> tuple[int, int]:
    low = bisect_left(keys, prefix)
    return low, bisect_left(keys, prefix + "\U0010ffff", low)


def _weight(event: Event) -> int:
    """Bytes that the event alone keeps alive."""
    return 200 + (len(event.previous.value) if event.previous else 0)
