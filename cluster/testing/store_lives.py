"""Lives of one SQLite file, each ended by SIGKILL at a named point, and what must be found afterwards.

A life is a process of its own with several writing clients; what it says it is about to do, and what was acknowledged,
is all that is known of it. Used by a test and by a benchmark.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from cluster.storage.interface import Event, EventType, Revision
from cluster.storage.sqlite import SqliteStore

# Each client says what it is about to do (revision 0) and what was acknowledged; one line is one write(2).
LIFE = """
import asyncio, json, os, random, signal, sys
from pathlib import Path
from cluster.storage.interface import Key
from cluster.storage.sqlite import SqliteStore

path, point, after, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
count = 0

def fail(name):
    global count
    count += name == point
    if count > after:
        os.kill(os.getpid(), signal.SIGKILL)

def say(*what):
    os.write(1, json.dumps(what).encode() + b"\\n")

async def client(store, me):
    dice = random.Random(seed * 10 + me)
    number = 0
    while True:
        key = Key(f"/registry/x/{me}-{dice.randrange(6)}")
        record, number = await store.get(key), number + 1
        value = f"{seed}-{me}-{number}"
        if record is None:
            say(key, value, 0)
            revision = await store.create(key, value.encode())
        elif dice.random() < 0.3:
            value = None
            say(key, value, 0)
            revision = await store.delete_if(key, record.mod_revision)
        else:
            say(key, value, 0)
            revision = await store.update_if(key, value.encode(), record.mod_revision)
        say(key, value, revision)

async def main():
    store = await SqliteStore.open(path, fail_point=fail, most_events=60)
    await asyncio.gather(*(client(store, me) for me in range(4)))

asyncio.run(main())
"""
POINTS = ("before-commit", "after-commit", "compaction", "compaction-before-commit")


def live(path: Path, point: str, after: int, seed: int) -> list[tuple[str, str | None, int]]:
    """What one life said until it was killed."""
    done = subprocess.run(
        [sys.executable, "-c", LIFE, str(path), point, str(after), str(seed)], capture_output=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


class Ledger:
    """What each key may hold, and the newest revision anybody was told."""

    def __init__(self) -> None:
        self.known: dict[str, str | None] = {}
        self.doubt: dict[str, str | None] = {}
        self.revision = 0

    def hear(self, said: list[tuple[str, str | None, int]]) -> None:
        for key, value, revision in said:
            if not revision:
                self.doubt[key] = value
                continue
            self.doubt.pop(key, None)
            self.known[key] = value
            self.revision = max(self.revision, revision)

    def check(self, kept: dict[str, str]) -> None:
        for key in self.known.keys() | self.doubt.keys() | kept.keys():
            here, may = kept.get(key), {self.known.get(key)}
            if key in self.doubt:
                may.add(self.doubt[key])
            assert here in may, f"{key}: {here} is none of {may}"
            self.known[key] = here
        self.doubt.clear()


async def survey(path: Path, ledger: Ledger) -> None:
    """Open what a life left and hold it against what is known. Raises AssertionError."""
    store = await SqliteStore.open(path)
    try:
        page = await store.list_at("/registry/")
        assert page.revision >= ledger.revision, "the revision went back"
        ledger.check({r.key: r.value.decode() for r in page.records})
        await check_history(store)
        ledger.revision = page.revision
    finally:
        await store.close()


async def check_history(store: SqliteStore) -> None:
    """The kept history, played on the oldest state that can be read, gives the newest."""
    floor, newest = store._space.floor, await store.current_revision()
    state = {r.key: (r.mod_revision, r.value) for r in (await store.list_at("/registry/", revision=floor)).records}
    last = int(floor)
    async for batch in store.watch_from("/registry/", Revision(floor)) if newest > floor else nothing():
        for event in batch:
            assert event.record.mod_revision == last + 1, "a revision is missing"
            last = event.record.mod_revision
            if event.type is EventType.DELETE:
                del state[event.record.key]
            else:
                state[event.record.key] = (event.record.mod_revision, event.record.value)
        if last == newest:
            break
    now = {r.key: (r.mod_revision, r.value) for r in (await store.list_at("/registry/")).records}
    assert state == now


async def nothing() -> AsyncIterator[list[Event]]:
    empty: list[list[Event]] = []
    for batch in empty:
        yield batch
