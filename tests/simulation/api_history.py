"""What clients did and what watchers saw, and the promises both are held against. Knows nothing of any server.

Every write has a revision, and revisions are one order, so a history can be checked without a search: the order of
writes is known, and it must explain every answer and every event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Value = dict[str, str]
"""An object's labels and content, as one flat map."""


@dataclass(frozen=True, slots=True)
class Write:
    """A write that was acknowledged at `revision`. `value` is None for a delete. `expected`: the revision it was
    conditional on, 0 for none, -1 for "must not exist". `begun` and `ended` are moments of one clock."""

    key: str
    revision: int
    value: Value | None
    expected: int
    begun: int
    ended: int


@dataclass(frozen=True, slots=True)
class Read:
    """`revision` 0: not found."""

    key: str
    revision: int
    value: Value | None
    begun: int
    ended: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A conditional write that was refused: the object was not at `expected` (-1: it was there)."""

    key: str
    expected: int
    begun: int
    ended: int


@dataclass(slots=True)
class History:
    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    clock: int = 0

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    def ordered(self) -> list[Write]:
        return sorted(self.writes, key=lambda w: w.revision)

    def final(self) -> dict[str, tuple[int, Value]]:
        out: dict[str, tuple[int, Value]] = {}
        for write in self.ordered():
            if write.value is None:
                out.pop(write.key, None)
            else:
                out[write.key] = (write.revision, write.value)
        return out


def check_registers(history: History) -> None:
    """Each object is a linearizable register with compare-and-set."""
    order = history.ordered()
    revisions = [w.revision for w in order]
    assert len(set(revisions)) == len(revisions), "two writes have one revision"
    _check_real_time(order)
    by_key: dict[str, list[Write]] = {}
    for write in order:
        by_key.setdefault(write.key, []).append(write)
    for chain in by_key.values():
        _check_chain(chain)
    for read in history.reads:
        _check_read(read, by_key.get(read.key, []))
    for refusal in history.refusals:
        _check_refusal(refusal, by_key.get(refusal.key, []))


def _check_real_time(order: list[Write]) -> None:
    """A write that begins after another has ended has the greater revision."""
    earliest_end = float("inf")
    for write in reversed(order):
        assert write.begun < earliest_end, f"{write} comes after a write that had ended before it began"
        earliest_end = min(earliest_end, write.ended)


def _check_chain(chain: list[Write]) -> None:
    here = 0
    for write in chain:
        if write.expected == -1:
            assert not here, f"{write} created what was there at {here}"
        else:
            assert here, f"{write} changed what was not there"
            assert write.expected in (0, here), f"{write} replaced revision {here}"
        here = 0 if write.value is None else write.revision


def _check_read(read: Read, chain: list[Write]) -> None:
    """The value is that of a write which may have been the newest at some moment of the read."""
    assert any(
        _may_be_seen(read, write, chain[at + 1] if at + 1 < len(chain) else None)
        for at, write in enumerate([None, *chain][: len(chain) + 1], start=-1)
    ), f"{read} saw what no moment of it had"


def _may_be_seen(read: Read, write: Write | None, following: Write | None) -> bool:
    seen = (0, None) if write is None or write.value is None else (write.revision, write.value)
    if (read.revision, read.value) != seen:
        return False
    return (write is None or write.begun < read.ended) and (following is None or following.ended > read.begun)


def _check_refusal(refusal: Refusal, chain: list[Write]) -> None:
    """At some moment of the refused write the object was not as it expected."""
    for at, write in enumerate([None, *chain], start=-1):
        here = 0 if write is None or write.value is None else write.revision
        fits = here == 0 if refusal.expected == -1 else here == refusal.expected
        following = chain[at + 1] if at + 1 < len(chain) else None
        begun_in_time = write is None or write.begun < refusal.ended
        if not fits and begun_in_time and (following is None or following.ended > refusal.begun):
            return
    raise AssertionError(f"{refusal} has no reason")


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of a watch."""

    type: str
    key: str
    revision: int
    value: Value


Filter = Callable[[str, Value], bool]


def check_watch(events: list[Seen], history: History, start: int, end: int, matches: Filter) -> None:
    """The events of one watch, joined over its reconnects, are those that the writes in (start, end] make: in order,
    each once, none missing, filtered, with the right type and the last state of what was deleted."""
    changes = [e for e in events if e.type != "BOOKMARK"]
    revisions = [e.revision for e in changes]
    assert revisions == sorted(set(revisions)), "not in order, or twice"
    _check_bookmarks(events)
    wanted = [e for e in expected_events(history, matches) if start < e.revision <= end]
    assert [e for e in changes if e.revision <= end] == wanted


def _check_bookmarks(events: list[Seen]) -> None:
    """A bookmark promises that nothing up to its revision comes any more."""
    newest = 0
    for event in events:
        if event.type == "BOOKMARK":
            assert event.revision >= newest, f"{event} goes back behind {newest}"
        else:
            assert event.revision > newest, f"{event} had been bookmarked away at {newest}"
        newest = event.revision


def expected_events(history: History, matches: Filter) -> list[Seen]:
    """What a watcher with this filter must see of the whole history."""
    out: list[Seen] = []
    state: dict[str, Value] = {}
    for write in history.ordered():
        before = state.get(write.key)
        now = write.value
        if now is None:
            state.pop(write.key, None)
        else:
            state[write.key] = now
        was = before is not None and matches(write.key, before)
        is_now = now is not None and matches(write.key, now)
        if is_now:
            assert now is not None
            out.append(Seen("MODIFIED" if was else "ADDED", write.key, write.revision, now))
        elif was:
            assert before is not None
            out.append(Seen("DELETED", write.key, write.revision, before))
    return out
