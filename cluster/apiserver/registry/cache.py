"""The watch cache: the newest state of a storage resource, its latest changes, and those who watch it.

Fed in revision order by `feed.Feed`, one call a change. Reads never wait for the store. A watcher is a plain
callback: ten thousand of them cost ten thousand calls, no task and no queue each; frames of one change are encoded
once and shared.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from cluster.apiserver.registry.entry import Entry, tail_of
from cluster.meta.types import GroupResource

RING = 2048
_log = logging.getLogger(__name__)
ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"


class Change:
    """One event of a resource. `entry` is the new state (for a delete, the last one at the delete's revision)."""

    __slots__ = ("_frames", "entry", "previous", "revision", "type")

    def __init__(self, type: str, entry: Entry, previous: Entry | None, revision: int) -> None:
        self.type = type
        self.entry = entry
        self.previous = previous
        self.revision = revision
        self._frames: dict[tuple[str, bytes], bytes] | None = None

    def frame(self, type: str, head: bytes, view: View | None = None) -> bytes:
        """The JSON line of a watch: shared by all watchers that see the change alike, as `view` shows entries to
        those of a version."""
        if self._frames is None:
            self._frames = {}
        key = (type, head)
        found = self._frames.get(key)
        if found is None:
            source = self.entry
            if type == DELETED and self.type != DELETED:
                assert self.previous is not None
                source = self.left()
            if view is not None:
                source = view(source)
            found = b'{"type":"%b","object":%b%b}\n' % (type.encode(), head, source.tail)
            self._frames[key] = found
        return found

    def left(self) -> Entry:
        """What a watcher is told when the object left its selector: the old state at the new revision."""
        assert self.previous is not None
        return self.previous.at(self.revision)

    def forget_frames(self) -> None:
        self._frames = None


def states(changes: Iterable[Change]) -> list[Entry]:
    """The states before and after every change."""
    return [state for change in changes for state in (change.entry, change.previous) if state is not None]


View = Callable[[Entry], Entry]
Sink = Callable[[str, Change], None]
Match = Callable[[Entry], bool]


class Watch:
    """A registered watcher. `sink(type, change)` is called as the watcher sees the change; `broken()` when that
    failed, and the watcher with it: it must be told to begin anew, and nobody else must suffer."""

    __slots__ = ("broken", "match", "name", "namespace", "sink")

    def __init__(
        self, namespace: str, name: str, match: Match | None, sink: Sink, broken: Callable[[], None] | None = None
    ) -> None:
        self.broken = broken
        self.namespace = namespace
        self.name = name
        self.match = match
        self.sink = sink

    def offer(self, change: Change) -> None:
        type = self.sees(change)
        if type:
            self.sink(type, change)

    def sees(self, change: Change) -> str:
        """The event type for this watcher, empty when it does not concern it."""
        if self.match is None:
            return change.type
        now = change.type != DELETED and self.match(change.entry)
        before = change.previous is not None and self.match(change.previous)
        if now:
            return MODIFIED if before else ADDED
        return DELETED if before else ""

    def raw(self, sink: Sink) -> Watch:
        """A watch of all that happens at the same place, for one who looks at it later."""
        return Watch(self.namespace, self.name, None, sink, self.broken)

    def covers(self, key: str) -> bool:
        namespace, _, name = key.rpartition("/")
        return (not self.namespace or namespace == self.namespace) and (not self.name or name == self.name)


class ResourceCache:
    """See the module. Keys are `namespace/name`, or `name` for cluster-scoped resources."""

    def __init__(self, resource: GroupResource) -> None:
        self.resource = resource
        self.prefix = f"/registry/{resource}/"
        self.entries: dict[str, Entry] = {}
        self.bytes = 0
        """Of all values."""
        self.version = 0
        """Grows with each change."""
        self.floor = 0
        """Watches may start from this revision or later."""
        self.unreadable: dict[str, str] = {}
        """Keys whose stored values cannot be opened, and why. While there is one, nobody can know all objects."""
        self.stale: set[str] = set()
        """Keys whose values are to be stored anew with their next update, even if it changes nothing."""
        self._keys: list[str] = []
        self._ring: deque[Change] = deque()
        self._watches: dict[tuple[str, str], set[Watch]] = {}

    def load(self, entry: Entry) -> None:
        """Initial state, in any order, before the first change."""
        if entry.key not in self.entries:
            insort(self._keys, entry.key)
        self.entries[entry.key] = entry
        self.bytes += len(entry.value)

    def put(self, entry: Entry) -> None:
        previous = self.entries.get(entry.key)
        self.bytes += len(entry.value)
        if previous is None:
            insort(self._keys, entry.key)
        else:
            self.bytes -= len(previous.value)
        self.entries[entry.key] = entry
        if self.unreadable or self.stale:
            self.unreadable.pop(entry.key, None)
            self.stale.discard(entry.key)
        self._happened(Change(ADDED if previous is None else MODIFIED, entry, previous, entry.revision))

    def delete(self, key: str, revision: int) -> None:
        previous = self.entries.pop(key, None)
        self.stale.discard(key)
        if previous is None:
            self.unreadable.pop(key, None)
            return
        self.bytes -= len(previous.value)
        del self._keys[bisect_left(self._keys, key)]
        self._happened(Change(DELETED, previous.at(revision), previous, revision))

    def lose(self, key: str, why: str, revision: int) -> None:
        """The store has the object, but nobody can read it. Watches end: what they would be told is not known."""
        self.unreadable[key] = why
        if self.entries.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]
        self.version += 1
        self.floor = max(self.floor, revision)
        for watch in [watch for watches in self._watches.values() for watch in watches]:
            self._drop(watch)

    def begin_anew(self) -> None:
        """Changes have been missed. Watches that can be told so end, and have to begin again with a list."""
        self._ring.clear()
        for watch in [watch for watches in self._watches.values() for watch in watches]:
            if watch.broken is not None:
                self._drop(watch)

    def get(self, namespace: str, name: str) -> Entry | None:
        return self.entries.get(f"{namespace}/{name}" if namespace else name)

    def keys(self, namespace: str, after: str = "") -> list[str]:
        """Keys in order, of one namespace or all, later than `after`."""
        if namespace:
            low = bisect_left(self._keys, namespace + "/")
            high = bisect_left(self._keys, namespace + "0", low)
        else:
            low, high = 0, len(self._keys)
        if after:
            low = max(low, bisect_right(self._keys, after))
        return self._keys[low:high]

    def since(self, revision: int) -> Iterator[Change]:
        """Changes later than `revision`; the caller has checked `floor`."""
        late = 0
        for change in reversed(self._ring):
            if change.revision <= revision:
                break
            late += 1
        return islice(list(self._ring), len(self._ring) - late, None)

    def add_watch(self, watch: Watch) -> None:
        self._watches.setdefault((watch.namespace, watch.name), set()).add(watch)

    def remove_watch(self, watch: Watch) -> None:
        place = (watch.namespace, watch.name)
        watches = self._watches.get(place)
        if watches is not None:
            watches.discard(watch)
            if not watches:
                del self._watches[place]

    @property
    def watchers(self) -> int:
        return sum(len(w) for w in self._watches.values())

    def _happened(self, change: Change) -> None:
        self.version += 1
        self._ring.append(change)
        if len(self._ring) > RING:
            self.floor = self._ring.popleft().revision
        if self._watches:
            self._tell(change)
        if change.previous is not None:
            change.previous.drop_forms()
        change.forget_frames()

    def _tell(self, change: Change) -> None:
        namespace, name = change.entry.namespace_and_name
        for place in dict.fromkeys(((namespace, name), ("", name), (namespace, ""), ("", ""))):
            for watch in tuple(self._watches.get(place, ())):
                try:
                    watch.offer(change)
                except Exception:
                    _log.exception("a watch of %s failed", self.resource)
                    self._drop(watch)

    def _drop(self, watch: Watch) -> None:
        self.remove_watch(watch)
        if watch.broken is not None:
            watch.broken()


__all__ = ["ADDED", "DELETED", "MODIFIED", "RING", "Change", "Match", "ResourceCache", "Watch", "states", "tail_of"]
