"""The nine promises of a watch, held against each store while many write, history is compacted and watches are cut.

They are those that etcd's robustness tests check: filter, bookmarkable, ordered, unique, atomic, reliable, resumable,
and that an event says what was before it and whether it made the key.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from cluster.storage.etcd import EtcdStore
from cluster.storage.interface import (
    Compacted,
    Event,
    EventType,
    Key,
    KeyExists,
    KeyMissing,
    Record,
    Revision,
    RevisionMismatch,
    Store,
)
from cluster.storage.memory import MemoryStore
from cluster.storage.sqlite import SqliteStore
from cluster.testing.etcd import etcd, installed

needs_etcd = pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)")
START = Revision(0)
KEYS = [Key(f"/registry/{kind}/{name}") for kind in ("pods", "podtemplates") for name in "abc"]


@pytest.fixture(params=["memory", "sqlite", pytest.param("etcd", marks=[needs_etcd, pytest.mark.slow])])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[Store]]:
    """One store, or two ways to the same etcd."""
    async with AsyncExitStack() as held:
        made: list[Store]
        if request.param == "etcd":
            url = await held.enter_async_context(etcd(tmp_path))
            made = [await EtcdStore.open(url), await EtcdStore.open(url)]
        else:
            made = [MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "s.db")]
        yield made
        for store in made:
            await store.close()


@dataclass
class Written:
    """What was acknowledged, by revision: (key, value or None for a deletion)."""

    changes: dict[int, tuple[Key, bytes | None]] = field(default_factory=dict)


async def write(store: Store, written: Written, seed: int, count: int) -> None:
    dice = random.Random(seed)
    for number in range(count):
        key, value = dice.choice(KEYS), b"%d-%d" % (seed, number)
        record = await store.get(key)
        try:
            if record is None:
                written.changes[await store.create(key, value)] = key, value
            elif dice.random() < 0.3:
                written.changes[await store.delete_if(key, record.mod_revision)] = key, None
            else:
                written.changes[await store.update_if(key, value, record.mod_revision)] = key, value
        except (KeyExists, KeyMissing, RevisionMismatch):
            await asyncio.sleep(0)


@dataclass
class Watcher:
    """Follows a prefix through many cuts; begins anew with a list when what it missed is no longer kept."""

    store: Store
    prefix: str
    dice: random.Random
    revision: Revision = START
    batches: list[list[Event]] = field(default_factory=list)
    lists: list[tuple[Revision, dict[Key, Record]]] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            left = self.dice.randint(1, 8)
            stream = cast(Any, self.store.watch_from(self.prefix, self.revision))
            try:
                async with aclosing(stream) as batches:
                    async for batch in batches:
                        self.batches.append(batch)
                        self.revision = batch[-1].record.mod_revision
                        left -= 1
                        if not left:
                            break
            except Compacted:
                page = await self.store.list_at(self.prefix)
                self.revision = page.revision
                self.lists.append((page.revision, {r.key: r for r in page.records}))


async def forget(store: Store, dice: random.Random) -> None:
    while True:
        await asyncio.sleep(dice.uniform(0.002, 0.02))
        newest = await store.current_revision()
        await store.compact(Revision(max(newest - dice.randint(0, 30), 0)))


def check(watcher: Watcher, written: Written, end: int) -> None:
    events = [event for batch in watcher.batches for event in batch]
    revisions = [event.record.mod_revision for event in events]
    # Filter.
    assert all(event.record.key.startswith(watcher.prefix) for event in events)
    # Ordered, unique; atomic: a revision has one key here, so it must not be in two batches.
    assert revisions == sorted(set(revisions))
    # Reliable and resumable: nothing between what is told is missing, except what a list stands for.
    jumps = {revision for revision, _ in watcher.lists}
    expected = [r for r, (key, _) in sorted(written.changes.items()) if key.startswith(watcher.prefix)]
    told = set(revisions)
    state: dict[Key, Event] = {}
    covered = _covered(watcher)
    for revision in expected:
        if revision <= end:
            assert revision in told or revision in covered, f"{revision} was never told"
    # What each event says of itself and of what was before it.
    lists = sorted(watcher.lists, key=lambda pair: pair[0])
    for event in events:
        while lists and lists[0][0] < event.record.mod_revision:
            _, records = lists.pop(0)
            state = {key: Event(EventType.PUT, record, None) for key, record in records.items()}
        _check_event(event, state, written)
        if event.type is EventType.DELETE:
            state.pop(event.record.key)
        else:
            state[event.record.key] = event
    assert jumps <= set(range(end + 1))


def _covered(watcher: Watcher) -> set[int]:
    """Revisions that a list jumped over: those between the last event before it and the list's."""
    revisions = [event.record.mod_revision for batch in watcher.batches for event in batch]
    out: set[int] = set()
    for at, _ in watcher.lists:
        before = max((r for r in revisions if r <= at), default=0)
        earlier = max((a for a, _ in watcher.lists if a < at), default=0)
        out |= set(range(max(before, earlier) + 1, at + 1))
    return out


def _check_event(event: Event, state: dict[Key, Event], written: Written) -> None:
    record, before = event.record, state.get(event.record.key)
    key, value = written.changes[record.mod_revision]
    assert key == record.key
    if before is None:
        # isCreate: nothing was there, and the event says so.
        assert event.previous is None
        assert event.type is EventType.PUT
        assert record.create_revision == record.mod_revision
    else:
        # prevKV: just what the watcher had been told last.
        assert event.previous == before.record
        assert record.create_revision == before.record.create_revision
    if event.type is EventType.DELETE:
        assert value is None
        assert before is not None
        assert record.value == before.record.value
    else:
        assert value == record.value


@pytest.mark.parametrize("seed", range(4))
async def test_the_nine_promises_of_a_watch(stores: list[Store], seed: int) -> None:
    written, dice = Written(), random.Random(seed)
    prefixes = ("/registry/", "/registry/pods/", "/registry/podtemplates/", "/registry/pods/a")
    watchers = [Watcher(stores[i % len(stores)], p, random.Random(seed * 9 + i)) for i, p in enumerate(prefixes)]
    tasks = [asyncio.ensure_future(w.run()) for w in watchers]
    tasks.append(asyncio.ensure_future(forget(stores[0], dice)))
    try:
        await asyncio.gather(*(write(stores[i % len(stores)], written, seed * 10 + i, 60) for i in range(5)))
        end = int(await stores[0].current_revision())
        # Bookmarkable: the last change of each prefix brings its watcher to where nothing is left to come.
        last = {p: max((r for r, (k, _) in written.changes.items() if k.startswith(p)), default=0) for p in prefixes}
        async with asyncio.timeout(30):
            while any(w.revision < last[w.prefix] for w in watchers):
                assert not any(task.done() for task in tasks), [t for t in tasks if t.done()]
                await asyncio.sleep(0.002)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(written.changes) == list(range(1, end + 1)), "revisions were skipped or given twice"
    for watcher in watchers:
        check(watcher, written, end)


@pytest.mark.parametrize("fault", ["missing", "twice", "order", "before"])
async def test_a_broken_promise_is_found(fault: str) -> None:
    store, written = MemoryStore(), Written()
    await write(store, written, 1, 40)
    stream = cast(Any, store.watch_from("/registry/", Revision(0)))
    batch: list[Event] = await anext(stream)
    await stream.aclose()
    watcher = Watcher(store, "/registry/", random.Random(0), batches=[[event] for event in batch])
    end = int(await store.current_revision())
    check(watcher, written, end)
    if fault == "missing":
        del watcher.batches[7]
    elif fault == "twice":
        watcher.batches.insert(7, watcher.batches[7])
    elif fault == "order":
        watcher.batches[7:9] = watcher.batches[8:6:-1]
    else:
        event = next(e for e in batch if e.previous is not None)
        lie = Event(event.type, event.record, None)
        watcher.batches = [[lie if e is event else e for e in b] for b in watcher.batches]
    with pytest.raises(AssertionError):
        check(watcher, written, end)
