"""A snapshot is whole or refused; restored, it is the state of then, at revisions that nobody has seen."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.storage import etcd_restore, snapshot, sqlite_restore
from cluster.storage.etcd import RESTORING, EtcdStore
from cluster.storage.interface import Compacted, Key, Page, Record, Revision, Store, StoreUnavailable
from cluster.storage.memory import MemoryStore
from cluster.storage.snapshot import SnapshotError
from cluster.storage.sqlite import SqliteStore
from cluster.testing.etcd import etcd, installed

needs_etcd = pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)")
ABOUT = {"cluster": "c"}
ROOT = "/registry/"


async def filled(store: Store, count: int = 30) -> Page:
    for number in range(count):
        key = Key(f"/registry/x/{number}")
        revision = await store.create(key, b"value %d" % number * 20)
        if number % 3 == 0:
            revision = await store.update_if(key, b"changed %d" % number, revision)
        if number % 7 == 0:
            await store.delete_if(key, revision)
    return await store.list_at(ROOT)


def saved(path: Path, page: Page) -> snapshot.Snapshot:
    return snapshot.write(path, snapshot.encoded(page, ABOUT))


async def test_what_is_written_is_read(tmp_path: Path) -> None:
    page = await filled(MemoryStore())
    made = saved(tmp_path / "s", page)
    assert snapshot.read(tmp_path / "s") == made
    assert (made.records, made.revision, made.about) == (page.records, page.revision, ABOUT)
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans())
def test_any_damage_is_refused_by_name(tmp_path: Path, place: float, flip: int, cut: bool) -> None:
    records = tuple(Record(Key(f"/registry/x/{i}"), b"v" * i, Revision(i), Revision(i)) for i in range(1, 20))
    whole = b"".join(snapshot.encoded(Page(records, Revision(20)), ABOUT))
    at = int(place * len(whole))
    damaged = whole[:at] if cut else whole[:at] + bytes((whole[at] ^ flip,)) + whole[at + 1 :]
    (tmp_path / "bad").write_bytes(damaged)
    with pytest.raises(SnapshotError, match="bad"):
        snapshot.read(tmp_path / "bad")


async def test_a_file_that_fails_to_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    page = await filled(MemoryStore())
    before = saved(tmp_path / "s", page)

    def torn():  # type: ignore[no-untyped-def]
        blocks = list(snapshot.encoded(page, ABOUT))
        yield b"".join(blocks)[:-5]

    with pytest.raises(SnapshotError):
        snapshot.write(tmp_path / "s", torn())
    assert snapshot.read(tmp_path / "s") == before
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


async def test_a_snapshot_under_writing_is_one_moment(tmp_path: Path) -> None:
    """Two keys are always written one after the other with the same number: never does the second have more."""
    store = await SqliteStore.open(tmp_path / "s.db")
    a = await store.create(Key("/registry/x/a"), b"0")
    b = await store.create(Key("/registry/x/b"), b"0")

    async def write() -> None:
        nonlocal a, b
        for number in range(1, 400):
            a = await store.update_if(Key("/registry/x/a"), b"%d" % number, a)
            b = await store.update_if(Key("/registry/x/b"), b"%d" % number, b)

    writing = asyncio.ensure_future(write())
    while not writing.done():
        made = saved(tmp_path / "s", await store.list_at(ROOT))
        first, second = (int(record.value) for record in made.records)
        assert second <= first <= second + 1
        assert max(record.mod_revision for record in made.records) == made.revision
        await asyncio.sleep(0)
    await writing
    await store.close()


async def watch_is_refused(store: Store, revision: Revision) -> None:
    with pytest.raises(Compacted):
        await anext(aiter(store.watch_from(ROOT, revision)))
    with pytest.raises(Compacted):
        await store.list_at(ROOT, revision=revision)


async def goes_on(store: Store, made: snapshot.Snapshot, revision: Revision) -> None:
    """Everybody's old revisions are gone, and the next write is later than any of them."""
    assert [(r.key, r.value) for r in (await store.list_at(ROOT)).records] == [(r.key, r.value) for r in made.records]
    assert await store.current_revision() >= revision
    for old in (Revision(0), made.revision, Revision(made.revision + 500)):
        await watch_is_refused(store, old)
    record = made.records[0]
    now = await store.get(record.key)
    assert now is not None
    later = await store.update_if(record.key, b"later", now.mod_revision)
    assert later > revision
    assert await store.create(Key(f"/registry/x/new-{revision}"), b"new") > later


@pytest.mark.parametrize("old", ["none", "other", "broken"])
async def test_a_sqlite_store_becomes_the_snapshot(tmp_path: Path, old: str) -> None:
    made = saved(tmp_path / "s", await filled(MemoryStore()))
    path = tmp_path / "state.db"
    if old == "other":
        store = await SqliteStore.open(path)
        await filled(store, 100)
        await store.close()
    elif old == "broken":
        path.write_bytes(b"no database at all " * 500)
        path.with_name("state.db-wal").write_bytes(b"torn")
    revision = Revision(made.revision + 1000)
    sqlite_restore.restore(path, made.records, revision)
    store = await SqliteStore.open(path)
    assert [(r.mod_revision, r.create_revision) for r in (await store.list_at(ROOT)).records] == [
        (r.mod_revision, r.create_revision) for r in made.records
    ]
    await goes_on(store, made, revision)
    await store.close()
    store = await SqliteStore.open(path)
    assert (await store.get(Key(f"/registry/x/new-{revision}"))) is not None
    await store.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s", "state.db"]


async def test_a_sqlite_store_in_use_is_not_replaced(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "state.db")
    await store.create(Key("/registry/x/a"), b"mine")
    with pytest.raises(StoreUnavailable, match="another process"):
        sqlite_restore.restore(tmp_path / "state.db", (), Revision(1000))
    assert (await store.get(Key("/registry/x/a"))) is not None
    await store.close()
    assert [p.name for p in tmp_path.iterdir()] == ["state.db"]


async def test_a_full_disk_leaves_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.db"
    store = await SqliteStore.open(path)
    await store.create(Key("/registry/x/a"), b"mine")
    await store.close()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite_restore, "_fill", full)
    with pytest.raises(StoreUnavailable, match="full"):
        sqlite_restore.restore(path, (), Revision(1000))
    store = await SqliteStore.open(path)
    assert (await store.get(Key("/registry/x/a"))) is not None
    await store.close()


@needs_etcd
async def test_an_etcd_becomes_the_snapshot(tmp_path: Path) -> None:
    made = saved(tmp_path / "s", await filled(MemoryStore()))
    async with etcd(tmp_path) as url:
        before = await EtcdStore.open(url)
        await filled(before, 50)
        await before.close()
        revision = Revision(made.revision + 1000)
        filling = await EtcdStore.open(url, restoring=True)
        await etcd_restore.restore(filling, ROOT, made.records, revision)
        await filling.close()
        store = await EtcdStore.open(url)
        await goes_on(store, made, revision)
        # And once more, from a snapshot of its own.
        again = saved(tmp_path / "again", await store.list_at(ROOT))
        await store.close()
        filling = await EtcdStore.open(url, restoring=True)
        await etcd_restore.restore(filling, ROOT, again.records, Revision(again.revision + 1000))
        await filling.close()
        store = await EtcdStore.open(url)
        await goes_on(store, again, Revision(again.revision + 1000))
        await store.close()


@needs_etcd
async def test_a_restore_that_was_not_finished_is_not_opened_until_it_is(tmp_path: Path) -> None:
    made = saved(tmp_path / "s", await filled(MemoryStore()))
    async with etcd(tmp_path) as url:
        filling = await EtcdStore.open(url, restoring=True)
        await filling.put(RESTORING, b"restoring")
        await filling.put(Key("/registry/x/half"), b"half")
        await filling.close()
        with pytest.raises(StoreUnavailable, match="restore it again"):
            await EtcdStore.open(url)
        filling = await EtcdStore.open(url, restoring=True)
        await etcd_restore.restore(filling, ROOT, made.records, Revision(5000))
        await filling.close()
        store = await EtcdStore.open(url)
        assert await store.get(Key("/registry/x/half")) is None
        await store.close()
