"""One suite over every store: revisions, preconditions, consistent pages, history, watches, compaction."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from cluster.storage.encryption.configuration import Encryption
from cluster.storage.encryption.store import EncryptedStore
from cluster.storage.etcd import EtcdStore
from cluster.storage.interface import (
    Compacted,
    Event,
    EventType,
    FutureRevision,
    Key,
    KeyExists,
    KeyMissing,
    Revision,
    RevisionMismatch,
    Store,
    StoreUnavailable,
)
from cluster.storage.memory import MemoryStore
from cluster.storage.sqlite import SqliteStore
from cluster.testing.etcd import etcd, installed

A, B, C = Key("/registry/pods/ns/a"), Key("/registry/pods/ns/b"), Key("/registry/pods/ns/c")
PODS = "/registry/pods/"


needs_etcd = pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)")


def sealed(below: Store) -> Store:
    key = {"name": "k", "secret": b64encode(bytes(32)).decode()}
    entry = {"resources": ["*.*"], "providers": [{"aesgcm": {"keys": [key]}}]}
    configuration = {
        "kind": "EncryptionConfiguration",
        "apiVersion": "apiserver.config.k8s.io/v1",
        "resources": [entry],
    }
    return EncryptedStore(below, Encryption.read(configuration))


@pytest.fixture(params=["memory", "sqlite", "encrypted", pytest.param("etcd", marks=needs_etcd)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with AsyncExitStack() as held:
        made: Store
        if request.param == "etcd":
            made = await EtcdStore.open(await held.enter_async_context(etcd(tmp_path)))
        else:
            made = MemoryStore() if request.param != "sqlite" else await SqliteStore.open(tmp_path / "s.db")
            made = sealed(made) if request.param == "encrypted" else made
        yield made
        await made.close()


async def take(stream: AsyncIterator[list[Event]], count: int) -> list[Event]:
    out: list[Event] = []
    async with asyncio.timeout(5):
        async for batch in stream:
            out += batch
            if len(out) >= count:
                break
    return out


async def test_one_counter_orders_writes_to_every_key(store: Store) -> None:
    first = await store.create(A, b"1")
    second = await store.create(Key("/registry/nodes/n"), b"2")
    third = await store.update_if(A, b"3", first)
    assert [first, second, third] == [1, 2, 3]
    assert await store.current_revision() == 3


async def test_create_of_a_present_key_fails_and_changes_nothing(store: Store) -> None:
    await store.create(A, b"1")
    with pytest.raises(KeyExists):
        await store.create(A, b"2")
    record = await store.get(A)
    assert record is not None
    assert (record.value, record.mod_revision, await store.current_revision()) == (b"1", 1, 1)


async def test_update_keeps_the_create_revision(store: Store) -> None:
    first = await store.create(A, b"1")
    second = await store.update_if(A, b"2", first)
    record = await store.get(A)
    assert record is not None
    assert (record.create_revision, record.mod_revision, record.value) == (first, second, b"2")


async def test_stale_update_tells_the_current_record(store: Store) -> None:
    first = await store.create(A, b"1")
    await store.update_if(A, b"2", first)
    with pytest.raises(RevisionMismatch) as caught:
        await store.update_if(A, b"3", first)
    assert caught.value.current.value == b"2"


async def test_missing_keys_are_missing(store: Store) -> None:
    assert await store.get(A) is None
    with pytest.raises(KeyMissing):
        await store.update_if(A, b"1", Revision(1))
    with pytest.raises(KeyMissing):
        await store.delete_if(A, Revision(1))


async def test_delete_needs_the_right_revision(store: Store) -> None:
    first = await store.create(A, b"1")
    second = await store.update_if(A, b"2", first)
    with pytest.raises(RevisionMismatch):
        await store.delete_if(A, first)
    assert await store.delete_if(A, second) == 3
    assert await store.get(A) is None


async def test_recreated_key_has_a_new_create_revision(store: Store) -> None:
    first = await store.create(A, b"1")
    await store.delete_if(A, first)
    third = await store.create(A, b"2")
    record = await store.get(A)
    assert record is not None
    assert record.create_revision == third == 3


async def test_only_one_of_many_rivals_wins(store: Store) -> None:
    first = await store.create(A, b"0")
    results = await asyncio.gather(*(store.update_if(A, b"%d" % i, first) for i in range(20)), return_exceptions=True)
    assert sum(not isinstance(r, BaseException) for r in results) == 1


async def test_a_writer_sees_its_own_undecided_predecessors(store: Store) -> None:
    """Writes that wait for the disk already count for the next write's precondition."""
    created = asyncio.ensure_future(store.create(A, b"1"))
    await asyncio.sleep(0)
    with pytest.raises(KeyExists):
        await store.create(A, b"2")
    assert await created == 1


async def test_who_is_refused_can_read_why_at_once(store: Store) -> None:
    first = await store.create(A, b"1")
    rival = asyncio.ensure_future(store.update_if(A, b"rival", first))
    await asyncio.sleep(0)
    with pytest.raises(RevisionMismatch) as refused:
        await store.update_if(A, b"mine", first)
    record = await store.get(A)
    assert record == refused.value.current
    assert record is not None
    assert record.value == b"rival"
    assert await rival == record.mod_revision


async def test_delete_create_delete_in_one_breath(store: Store) -> None:
    first = await store.create(A, b"1")
    rounds = [asyncio.ensure_future(store.delete_if(A, first))]
    await asyncio.sleep(0)
    rounds.append(asyncio.ensure_future(store.create(A, b"2")))
    await asyncio.sleep(0)
    rounds.append(asyncio.ensure_future(store.delete_if(A, Revision(3))))
    assert await asyncio.gather(*rounds) == [2, 3, 4]
    assert await store.get(A) is None


async def test_pages_are_sorted_bounded_and_counted(store: Store) -> None:
    for key in (C, A, B):
        await store.create(key, b"x")
    await store.create(Key("/registry/podtemplates/ns/a"), b"other")
    page = await store.list_at(PODS, limit=2)
    assert ([r.key for r in page.records], page.remaining, page.revision) == ([A, B], 1, 4)
    rest = await store.list_at(PODS, after=B, limit=2)
    assert ([r.key for r in rest.records], rest.remaining) == ([C], 0)


async def test_a_page_at_an_old_revision_is_the_state_of_then(store: Store) -> None:
    first = await store.create(A, b"a1")
    second = await store.create(B, b"b1")
    await store.update_if(A, b"a2", first)
    await store.delete_if(B, second)
    await store.create(C, b"c1")
    page = await store.list_at(PODS, revision=second)
    assert [(r.key, r.value, r.mod_revision) for r in page.records] == [(A, b"a1", 1), (B, b"b1", 2)]
    assert page.revision == second


async def test_a_page_of_the_future_is_refused(store: Store) -> None:
    with pytest.raises(FutureRevision):
        await store.list_at(PODS, revision=Revision(7))


async def test_watch_replays_then_follows_in_order(store: Store) -> None:
    first = await store.create(A, b"1")
    await store.create(Key("/registry/nodes/n"), b"n")
    stream = store.watch_from(PODS, Revision(0))
    collected = asyncio.ensure_future(take(stream, 3))
    await asyncio.sleep(0)
    third = await store.update_if(A, b"2", first)
    await store.delete_if(A, third)
    events = await collected
    assert [(e.type, e.record.mod_revision, e.record.value) for e in events] == [
        (EventType.PUT, 1, b"1"),
        (EventType.PUT, 3, b"2"),
        (EventType.DELETE, 4, b"2"),
    ]
    assert [e.previous.value if e.previous else None for e in events] == [None, b"1", b"2"]
    assert events[2].record.create_revision == 1


async def test_watch_is_resumable_from_any_revision(store: Store) -> None:
    revision = await store.create(A, b"0")
    for i in range(5):
        revision = await store.update_if(A, b"%d" % i, revision)
    for start in range(6):
        events = await take(store.watch_from(PODS, Revision(start)), 6 - start)
        assert [e.record.mod_revision for e in events] == list(range(start + 1, 7))


async def test_compaction_forgets_history_but_no_value(store: Store) -> None:
    first = await store.create(A, b"1")
    second = await store.update_if(A, b"2", first)
    third = await store.create(B, b"b")
    await store.compact(second)
    with pytest.raises(Compacted):
        await store.list_at(PODS, revision=first)
    with pytest.raises(Compacted):
        await take(store.watch_from(PODS, Revision(0)), 1)
    assert [r.value for r in (await store.list_at(PODS, revision=second)).records] == [b"2"]
    assert [e.record.mod_revision for e in await take(store.watch_from(PODS, second), 1)] == [third]
    assert [r.value for r in (await store.list_at(PODS)).records] == [b"2", b"b"]


async def test_compacting_on_a_delete_loses_no_event(store: Store) -> None:
    first = await store.create(A, b"1")
    gone = await store.delete_if(A, first)
    await store.compact(first)
    assert [e.type for e in await take(store.watch_from(PODS, first), 1)] == [EventType.DELETE]
    await store.compact(gone)
    assert await store.current_revision() == gone


async def test_close_ends_watches_and_refuses_writes(store: Store) -> None:
    collected = asyncio.ensure_future(take(store.watch_from(PODS, Revision(0)), 99))
    await asyncio.sleep(0)
    await store.close()
    assert await collected == []
    with pytest.raises(StoreUnavailable):
        await store.create(A, b"1")
