"""What only a durable store promises: restart, kill -9, one owner, bounded files, clear refusals."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.storage.interface import Key, Revision, StoreUnavailable
from cluster.storage.sqlite import SqliteStore

WRITER = """
import asyncio, os, signal, sys
from pathlib import Path
from cluster.storage.interface import Key
from cluster.storage.sqlite import SqliteStore

point, after = sys.argv[2], int(sys.argv[3])
count = 0

def fail(name):
    global count
    if name == point:
        count += 1
        if count > after:
            os.kill(os.getpid(), signal.SIGKILL)

async def client(store, me):
    i = 0
    while True:
        key = Key(f"/registry/x/{me}-{i}")
        revision = await store.create(key, b"v" * 100)
        os.write(1, f"{key} {revision}\\n".encode())
        i += 1

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]), fail_point=fail, most_events=50)
    await asyncio.gather(*(client(store, me) for me in range(4)))

asyncio.run(main())
"""


@pytest.mark.parametrize(("point", "after"), [("before-commit", 40), ("after-commit", 60), ("compaction", 1)])
async def test_every_acknowledged_write_survives_kill_9(tmp_path: Path, point: str, after: int) -> None:
    path = tmp_path / "s.db"
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(path), point, str(after)],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    acknowledged = [line.split() for line in done.stdout.decode().splitlines()]
    assert acknowledged
    store = await SqliteStore.open(path)
    kept = {r.key: r.mod_revision for r in (await store.list_at("/registry/")).records}
    highest = await store.current_revision()
    await store.close()
    for key, revision in acknowledged:
        assert kept[Key(key)] == int(revision)
    assert highest >= max(int(r) for _, r in acknowledged)


async def test_state_and_history_survive_a_restart(tmp_path: Path) -> None:
    path, key = tmp_path / "s.db", Key("/registry/x/a")
    store = await SqliteStore.open(path)
    first = await store.create(key, b"1")
    second = await store.update_if(key, b"2", first)
    await store.compact(first)
    third = await store.delete_if(key, second)
    await store.close()
    store = await SqliteStore.open(path)
    assert await store.current_revision() == third
    assert [r.value for r in (await store.list_at("/registry/", revision=second)).records] == [b"2"]
    stream = store.watch_from("/registry/", first)
    assert [e.record.mod_revision async for batch in _first(stream) for e in batch] == [second, third]
    await store.close()


async def _first(stream):  # type: ignore[no-untyped-def]
    async for batch in stream:
        yield batch
        return


async def test_revision_never_goes_back_when_the_last_change_is_compacted(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = await SqliteStore.open(path)
    gone = await store.delete_if(Key("/a"), await store.create(Key("/a"), b"1"))
    await store.compact(gone)
    await store.close()
    store = await SqliteStore.open(path)
    assert await store.create(Key("/a"), b"2") == gone + 1
    await store.close()


async def test_second_owner_is_refused(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "s.db")
    with pytest.raises(StoreUnavailable, match="another process"):
        await SqliteStore.open(tmp_path / "s.db")
    await store.close()


async def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="nowhere"):
        await SqliteStore.open(tmp_path / "nowhere" / "s.db")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"hello, world. " * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        await SqliteStore.open(tmp_path / "s.db")


async def test_full_disk_fails_the_write_and_later_ones_succeed(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "s.db")
    first = await store.create(Key("/a"), b"1")
    store._database.execute("PRAGMA max_page_count=10")
    with pytest.raises(StoreUnavailable, match="full"):
        await store.create(Key("/big"), os.urandom(1 << 20))
    assert await store.get(Key("/big")) is None
    store._database.execute("PRAGMA max_page_count=1000000")
    assert await store.create(Key("/b"), b"2") == first + 1
    await store.close()


async def test_file_stays_bounded_under_lease_churn(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = await SqliteStore.open(path, most_events=200)
    keys = [Key(f"/registry/leases/{i}") for i in range(20)]
    revisions = list(await asyncio.gather(*(store.create(k, b"x" * 500) for k in keys)))
    for _ in range(150):
        revisions = list(
            await asyncio.gather(
                *(store.update_if(k, b"y" * 500, Revision(r)) for k, r in zip(keys, revisions, strict=True))
            )
        )
    await store.compact(await store.current_revision())
    await store.close()
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) < 400_000
