"""Disks that are full, files that may not be written, logs that were torn, and months of lease renewals."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.storage.interface import Compacted, Key, Revision, StoreUnavailable
from cluster.storage.sqlite import SqliteStore

ROOT = "/registry/"

FULL = """
import asyncio, json, resource, signal, sys
from pathlib import Path
from cluster.storage.interface import Key, StoreUnavailable
from cluster.storage.sqlite import SqliteStore

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]))
    said = {"acknowledged": {}, "refused": []}
    # What is written from here on may not make a file longer than this.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    async def client(me):
        for i in range(60):
            key = f"/registry/x/{me}-{i}"
            try:
                said["acknowledged"][key] = await store.create(Key(key), bytes(4000))
            except StoreUnavailable as error:
                said["refused"].append([key, str(error)])
    await asyncio.gather(*(client(me) for me in range(8)))
    said["readable"] = len((await store.list_at("/registry/")).records)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    said["after"] = await store.create(Key("/registry/x/after"), b"room again")
    await store.close()
    print(json.dumps(said))

asyncio.run(main())
"""


@pytest.mark.parametrize("room", [300_000, 900_000])
async def test_a_full_disk_refuses_and_loses_nothing_acknowledged(tmp_path: Path, room: int) -> None:
    path = tmp_path / "s.db"
    done = subprocess.run([sys.executable, "-c", FULL, str(path), str(room)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    said = json.loads(done.stdout)
    assert said["refused"], "there was room for all"
    assert all(str(path) in why for _, why in said["refused"])
    assert said["readable"] == len(said["acknowledged"])
    store = await SqliteStore.open(path)
    kept = {record.key: record.mod_revision for record in (await store.list_at(ROOT)).records}
    assert kept == {**said["acknowledged"], "/registry/x/after": said["after"]}
    assert len(set(kept.values())) == len(kept)
    await store.close()


def may_mount() -> bool:
    return os.geteuid() == 0 and shutil.which("mount") is not None and sys.platform == "linux"


IN_A_SMALL_PLACE = """
mount -t tmpfs -o size=1500k none "$1" || exit 77
shift
exec "$@"
"""


@pytest.mark.skipif(not may_mount() or not shutil.which("unshare"), reason="needs root to mount a small file system")
def test_a_file_system_without_room_is_told_in_its_own_words(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    inside = ["sh", "-c", IN_A_SMALL_PLACE, "sh", str(place), sys.executable, "-c", FULL, str(place / "s.db"), "-1"]
    done = subprocess.run(["unshare", "-m", *inside], capture_output=True, timeout=60)
    if done.returncode in (1, 77) and b"mount" in done.stderr + done.stdout:
        pytest.skip("mounting is not allowed here")
    said = json.loads(done.stdout)
    assert said["refused"]
    assert all(why.endswith("database or disk is full") for _, why in said["refused"])
    assert said["readable"] == len(said["acknowledged"])


async def test_a_read_only_file_is_refused_at_once(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everything; see the file system that is read-only")
    path = tmp_path / "s.db"
    store = await SqliteStore.open(path)
    await store.create(Key("/registry/x/a"), b"1")
    await store.close()
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreUnavailable, match=r"readonly|unable to open"):
            await SqliteStore.open(path)
    finally:
        tmp_path.chmod(0o700)


READ_ONLY = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77
shift
exec "$@"
"""
OPEN = """
import asyncio, sys
from pathlib import Path
from cluster.storage.sqlite import SqliteStore
asyncio.run(SqliteStore.open(Path(sys.argv[1])))
"""


@pytest.mark.skipif(not may_mount() or not shutil.which("unshare"), reason="needs root to mount read-only")
async def test_a_read_only_file_system_is_refused_at_once(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "s.db")
    await store.create(Key("/registry/x/a"), b"1")
    await store.close()
    inside = ["sh", "-c", READ_ONLY, "sh", str(tmp_path), sys.executable, "-c", OPEN, str(tmp_path / "s.db")]
    done = subprocess.run(["unshare", "-m", *inside], capture_output=True, timeout=60)
    if done.returncode == 77:
        pytest.skip("mounting is not allowed here")
    assert b"StoreUnavailable" in done.stderr
    assert b"s.db" in done.stderr


CRASH = """
import asyncio, os, sys
from pathlib import Path
from cluster.storage.interface import Key
from cluster.storage.sqlite import SqliteStore

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]))
    for i in range(120):
        revision = await store.create(Key(f"/registry/x/{i:03}"), b"%d" % i * 50)
        if i % 5 == 0:
            await store.delete_if(Key(f"/registry/x/{i:03}"), revision)
    os._exit(0)

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(8))
async def test_of_a_torn_log_what_is_whole_is_kept_as_one_past_moment(tmp_path: Path, seed: int) -> None:
    """Cut off, or with a flipped byte somewhere: the store opens as it was after some write, with none left out."""
    path, dice = tmp_path / "s.db", random.Random(seed)
    subprocess.run([sys.executable, "-c", CRASH, str(path)], check=True, timeout=60)
    log = path.with_name("s.db-wal")
    data = bytearray(log.read_bytes())
    at = dice.randrange(32, len(data))
    if seed % 2:
        data[at] ^= dice.randrange(1, 256)
    else:
        del data[at:]
    log.write_bytes(data)
    try:
        store = await SqliteStore.open(path)
    except StoreUnavailable as refused:
        # Torn before the tables were made: refused by name, not begun anew.
        assert str(path) in str(refused)
        return
    found = {record.key: record for record in (await store.list_at(ROOT)).records}
    newest = await store.current_revision()
    expected, revision = {}, 0
    for i in range(120):
        key = f"/registry/x/{i:03}"
        for change in ("create", "delete") if i % 5 == 0 else ("create",):
            if revision == newest:
                break
            revision += 1
            if change == "create":
                expected[key] = revision
            else:
                del expected[key]
    assert {key: record.mod_revision for key, record in found.items()} == expected
    assert await store.create(Key("/registry/x/next"), b"goes on") == newest + 1
    await store.close()


async def test_months_of_lease_renewals_keep_files_small_and_history_usable(tmp_path: Path) -> None:
    """Forty nodes for a while under other writes, with compactions by size and by time: files stay within a bound that
    does not depend on how long it goes on, nothing is ever locked, and no reader of recent history is refused."""
    store = await SqliteStore.open(tmp_path / "s.db", most_events=1000, most_bytes=1 << 20)
    leases = [Key(f"/registry/leases/kube-node-lease/node-{i}") for i in range(40)]
    revisions = list(await asyncio.gather(*(store.create(key, os.urandom(400)) for key in leases)))
    sizes, forgotten = [], 0
    for day in range(30):
        for _ in range(12):
            renewed = (store.update_if(k, os.urandom(400), Revision(r)) for k, r in zip(leases, revisions, strict=True))
            revisions = list(await asyncio.gather(*renewed, store.create(Key(f"/registry/x/{day}-{_}"), b"x")))[:40]
        before = Revision(await store.current_revision() - 300)
        compacting = asyncio.ensure_future(store.compact(before))
        extra = asyncio.gather(*(store.create(Key(f"/registry/y/{day}-{i}"), b"y") for i in range(20)))
        await asyncio.gather(compacting, extra)
        try:
            await store.list_at("/registry/leases/", revision=Revision(await store.current_revision() - 100))
        except Compacted:
            forgotten += 1
        sizes.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
    assert forgotten == 0
    assert max(sizes) < 8 << 20
    # What stays is what there is (1,000 little objects more in the end), not what has been.
    assert sizes[-1] < sizes[9] + (1 << 20), sizes
    await store.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2 << 20
