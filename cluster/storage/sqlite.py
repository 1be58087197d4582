"""The durable store of one process: SQLite as an append-only log, the state in memory.

Theory: a write is checked and given its revision at once on the event loop (`_pending` holds what is decided but not
yet on disk), so order never waits for the disk. A writer thread takes everything that waits and appends it with one
INSERT, hence one fsync for many writes; only then do the changes become visible and the awaitables finish. If a
batch fails, it and everything decided after it fails, and the pending state is forgotten.

One row is one change; the newest row of a key is its value. Compaction deletes the rows nobody can ask for.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from cluster.storage import keyspace as change
from cluster.storage.interface import Event, EventType, Key, Page, Record, Revision, StoreError, StoreUnavailable
from cluster.storage.keyspace import Keyspace
from cluster.storage.memory import MOST_BYTES, MOST_EVENTS
from cluster.storage.watchers import Watchers

SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
  revision INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  created INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  value BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS floor (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
INSERT OR IGNORE INTO floor VALUES (1, 0);
"""
_ROW = "(?,?,?,?,?)"
_MOST_ROWS = 400
_Write = tuple[Event, "asyncio.Future[Revision]"]


class SqliteStore:
    """See cluster.storage.interface.Store. Made by `open`; one process at a time per file.

    `fail_point(name)` is called in the writer thread at `before-commit`, `after-commit`, `compaction` and
    `compaction-before-commit`; tests stop the process there.
    """

    shared = False

    def __init__(
        self,
        path: Path,
        database: sqlite3.Connection,
        space: Keyspace,
        *,
        most_events: int = MOST_EVENTS,
        most_bytes: int = MOST_BYTES,
        fail_point: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path
        self._database = database
        self._space = space
        self._watchers = Watchers()
        self._most = most_events, most_bytes
        self._fail_point = fail_point
        self._decided = space.revision
        self._pending: dict[Key, Event] = {}
        self._settling: list[asyncio.Future[None]] = []
        self._waiting: list[_Write] = []
        self._in_flight = False
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._idle: asyncio.Future[None] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, path: Path, **options: Any) -> SqliteStore:
        """Open or make the file. Raises StoreUnavailable: unwritable place, file in use, not a database."""
        database, space = await asyncio.to_thread(_open, path)
        return cls(path, database, space, **options)

    async def get(self, key: Key) -> Record | None:
        self._check_open()
        return self._space.records.get(key)

    async def list_at(
        self, prefix: str, *, revision: Revision | None = None, after: Key | None = None, limit: int = 0
    ) -> Page:
        self._check_open()
        return self._space.page(prefix, revision, after, limit)

    async def create(self, key: Key, value: bytes) -> Revision:
        return await self._decide(key, lambda: change.created(key, value, self._newest(key), self._next()))

    async def update_if(self, key: Key, value: bytes, expected: Revision) -> Revision:
        return await self._decide(key, lambda: change.updated(key, value, expected, self._newest(key), self._next()))

    async def delete_if(self, key: Key, expected: Revision) -> Revision:
        return await self._decide(key, lambda: change.deleted(key, expected, self._newest(key), self._next()))

    async def watch_from(self, prefix: str, revision: Revision) -> AsyncIterator[list[Event]]:
        self._check_open()
        async for events in self._watchers.stream(prefix, self._space.after(revision, prefix)):
            yield events

    async def compact(self, revision: Revision) -> None:
        self._check_open()
        done = self._loop.create_future()
        self._jobs.put(self._compaction(self._space.compact(revision), self._space.floor, done))
        await done

    async def current_revision(self) -> Revision:
        self._check_open()
        return self._space.revision

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        while self._in_flight or self._waiting:
            self._idle = self._loop.create_future()
            await self._idle
        self._watchers.close()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._database.close)

    # Deciding, on the event loop.

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _next(self) -> Revision:
        return Revision(self._decided + 1)

    def _newest(self, key: Key) -> Record | None:
        event = self._pending.get(key)
        if event is None:
            return self._space.records.get(key)
        return None if event.type is EventType.DELETE else event.record

    async def _decide(self, key: Key, make: Callable[[], Event]) -> Revision:
        """Write what `make` decides. A refusal speaks of what is durable: one that rests on a write under way waits
        for it and decides again, else whoever is refused could look as often as it likes and never see why."""
        while True:
            self._check_open()
            try:
                event = make()
            except StoreError:
                if key not in self._pending:
                    raise
                settled = self._loop.create_future()
                self._settling.append(settled)
                await settled
            else:
                return await self._write(event)

    def _write(self, event: Event) -> asyncio.Future[Revision]:
        self._decided = event.record.mod_revision
        self._pending[event.record.key] = event
        done: asyncio.Future[Revision] = self._loop.create_future()
        self._waiting.append((event, done))
        if not self._in_flight:
            self._in_flight = True
            self._loop.call_soon(self._send)
        return done

    def _send(self) -> None:
        batch, self._waiting = self._waiting[:_MOST_ROWS], self._waiting[_MOST_ROWS:]
        self._jobs.put(lambda: self._append(batch))

    def _committed(self, batch: list[_Write]) -> None:
        events = [event for event, _ in batch]
        for event in events:
            self._space.apply(event)
            if self._pending.get(event.record.key) is event:
                del self._pending[event.record.key]
        self._watchers.publish(events)
        for event, done in batch:
            if not done.done():
                done.set_result(event.record.mod_revision)
        self._compact_when_due()
        self._after_batch()

    def _failed(self, batch: list[_Write], why: str) -> None:
        lost, self._waiting = [*batch, *self._waiting], []
        self._pending.clear()
        self._decided = self._space.revision
        for _, done in lost:
            if not done.done():
                done.set_exception(StoreUnavailable(why))
        self._after_batch()

    def _after_batch(self) -> None:
        settling, self._settling = self._settling, []
        for settled in settling:
            if not settled.done():
                settled.set_result(None)
        if self._waiting:
            self._send()
            return
        self._in_flight = False
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _compact_when_due(self) -> None:
        target = self._space.oldest_kept(*self._most)
        if target > self._space.floor:
            self._jobs.put(self._compaction(self._space.compact(target), self._space.floor, None))

    # Writing, in the thread.

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _append(self, batch: list[_Write]) -> None:
        try:
            self._reach("before-commit")
            values: list[Any] = []
            for event, _ in batch:
                gone = event.type is EventType.DELETE
                record = event.record
                values += (
                    record.mod_revision,
                    record.key,
                    record.create_revision,
                    gone,
                    b"" if gone else record.value,
                )
            self._database.execute("INSERT INTO log VALUES " + ",".join([_ROW] * len(batch)), values)
            self._reach("after-commit")
        except sqlite3.Error as error:
            self._call(self._failed, batch, f"{self.path}: {error}")
        else:
            self._call(self._committed, batch)

    def _compaction(
        self, gone: list[Revision], floor: Revision, done: asyncio.Future[None] | None
    ) -> Callable[[], None]:
        def work() -> None:
            failure = ""
            try:
                self._reach("compaction")
                self._forget(gone, floor)
            except sqlite3.Error as error:
                failure = f"{self.path}: {error}"
            if done is not None:
                self._call(_finish, done, failure)

        return work

    def _forget(self, gone: list[Revision], floor: Revision) -> None:
        database = self._database
        database.execute("BEGIN")
        try:
            database.executemany("DELETE FROM log WHERE revision = ?", [(r,) for r in gone])
            database.execute("UPDATE floor SET revision = ?", (floor,))
            self._reach("compaction-before-commit")
            database.execute("COMMIT")
        except sqlite3.Error:
            database.execute("ROLLBACK")
            raise
        database.execute("PRAGMA incremental_vacuum").fetchall()

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            # The loop is gone: nobody waits for the answer.
            return

    def _reach(self, point: str) -> None:
        if self._fail_point is not None:
            self._fail_point(point)


def _finish(done: asyncio.Future[None], failure: str) -> None:
    if done.done():
        return
    if failure:
        done.set_exception(StoreUnavailable(failure))
    else:
        done.set_result(None)


def _open(path: Path) -> tuple[sqlite3.Connection, Keyspace]:
    try:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    try:
        _prepare(database)
        return database, _load(database)
    except sqlite3.Error as error:
        database.close()
        raise StoreUnavailable(f"{path}: {explain(error)}") from error


def _prepare(database: sqlite3.Connection) -> None:
    # One process owns the file; without a shared-memory file, WAL also works on odd file systems.
    database.execute("PRAGMA locking_mode=EXCLUSIVE")
    database.execute("PRAGMA auto_vacuum=INCREMENTAL")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA journal_size_limit=4194304")
    database.execute("PRAGMA cache_size=-2000")
    database.executescript(SCHEMA)


def _load(database: sqlite3.Connection) -> Keyspace:
    floor = Revision(database.execute("SELECT revision FROM floor").fetchone()[0])
    space = Keyspace()
    base: dict[Key, Record] = {}
    tail: list[tuple[Key, int, int, int, bytes]] = []
    newest = floor
    for revision, key, made, gone, value in database.execute("SELECT * FROM log ORDER BY revision"):
        newest = Revision(revision)
        if revision > floor:
            tail.append((Key(key), revision, made, gone, value))
        elif gone:
            base.pop(Key(key), None)
        else:
            base[Key(key)] = Record(Key(key), value, Revision(revision), Revision(made))
    space.load(base.values(), floor, floor)
    for key, revision, made, gone, value in tail:
        space.apply(_change(space, key, Revision(revision), Revision(made), bool(gone), value))
    space.revision = max(space.revision, newest)
    return space


def _change(space: Keyspace, key: Key, revision: Revision, made: Revision, gone: bool, value: bytes) -> Event:
    before = space.records.get(key)
    if gone and before is not None:
        return Event(EventType.DELETE, Record(key, before.value, revision, made), before)
    return Event(EventType.PUT, Record(key, value, revision, made), before)


def explain(error: Exception) -> str:
    """The words for people."""
    text = str(error)
    return "the store is in use by another process" if "locked" in text else text
