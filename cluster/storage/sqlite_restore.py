"""Putting a state into the place of a SQLite store: beside it first, then in one step. Nobody may have it open."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from cluster.storage.interface import Record, Revision, StoreUnavailable
from cluster.storage.snapshot import sync_directory
from cluster.storage.sqlite import SCHEMA, explain


def restore(path: Path, records: Iterable[Record], revision: Revision) -> None:
    """The store at `path` has these records and is at `revision`, which is greater than all of theirs; of what was
    before it nothing is known. Raises StoreUnavailable, and then the old store is as it was."""
    part = path.with_name(path.name + ".restoring")
    try:
        _settle(path)
        part.unlink(missing_ok=True)
        _fill(part, records, revision)
        os.replace(part, path)
        sync_directory(path.parent)
    except (sqlite3.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise StoreUnavailable(f"{path}: {explain(error)}") from error


def _fill(part: Path, records: Iterable[Record], revision: Revision) -> None:
    with closing(sqlite3.connect(part, isolation_level=None)) as database:
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        database.execute("PRAGMA synchronous=FULL")
        database.executescript(SCHEMA)
        database.execute("BEGIN")
        rows = ((r.mod_revision, r.key, r.create_revision, False, r.value) for r in records)
        database.executemany("INSERT INTO log VALUES (?,?,?,?,?)", rows)
        database.execute("UPDATE floor SET revision = ?", (revision,))
        database.execute("COMMIT")
    part.chmod(0o600)
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _settle(path: Path) -> None:
    """Take in what its write-ahead log still has, so that the old log is not read as the new store's. Where the old
    store cannot be opened, its log goes."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=1.0)) as database:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            database.execute("PRAGMA journal_mode=DELETE").fetchall()
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).unlink()
