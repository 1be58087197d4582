"""A store's state in one file: every key as it was at one revision, whatever the store, with a checksum over all.

    8 bytes   PYHELMS1
    4 bytes   length of the header, which is JSON: revision, keys, size of all keys and values, and what the maker adds
    records   length of key (4) and value (4), revisions of creation (8) and of last change (8), key, value
    32 bytes  SHA-256 of everything before

Numbers are big-endian. Values are the store's own bytes, so what is encrypted stays so. It must not know how a store
makes a state its own again: `sqlite_restore` and `etcd_restore` do.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.storage.interface import Key, Page, Record, Revision

MAGIC = b"PYHELMS1"
_DIGEST = 32
_RECORD = struct.Struct(">IIQQ")
_LENGTH = struct.Struct(">I")


class SnapshotError(Exception):
    """A file that is no whole snapshot; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`about` is what the maker added to the header; `digest` the checksum, in hex."""

    records: tuple[Record, ...]
    revision: Revision
    size: int
    about: Mapping[str, Any]
    digest: str


def encoded(page: Page, about: Mapping[str, Any], reach: Callable[[str], None] | None = None) -> Iterator[bytes]:
    """The file, piece by piece. `reach("snapshot")` is called in the middle of it."""
    size = sum(len(r.key.encode()) + len(r.value) for r in page.records)
    head = json.dumps({"revision": page.revision, "keys": len(page.records), "size": size, "about": dict(about)})
    digest = hashlib.sha256()
    pieces = [MAGIC, _LENGTH.pack(len(head.encode())), head.encode()]
    for at, record in enumerate(page.records):
        if reach is not None and at == len(page.records) // 2:
            reach("snapshot")
        key = record.key.encode()
        pieces += (
            _RECORD.pack(len(key), len(record.value), record.create_revision, record.mod_revision), key, record.value,
        )  # fmt: skip
        if len(pieces) > 1000:
            yield _taken(pieces, digest)
    yield _taken(pieces, digest)
    yield digest.digest()


def _taken(pieces: list[bytes], digest: Any) -> bytes:
    block = b"".join(pieces)
    pieces.clear()
    digest.update(block)
    return block


def write(path: Path, blocks: Iterable[bytes]) -> Snapshot:
    """Put the file in place whole, readable by its owner alone, once it has been read back. Raises OSError,
    SnapshotError; then nothing has changed."""
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        made = read(part)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
    return made


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> Snapshot:
    """Raises OSError, SnapshotError."""
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise SnapshotError(f"{path} is no snapshot of a cluster")
    body, digest = memoryview(data)[:-_DIGEST], data[-_DIGEST:]
    if len(data) < len(MAGIC) + _LENGTH.size + _DIGEST or hashlib.sha256(body).digest() != digest:
        raise SnapshotError(f"{path} is damaged or cut off: its checksum does not fit its content")
    (length,) = _LENGTH.unpack_from(body, len(MAGIC))
    start = len(MAGIC) + _LENGTH.size
    head = json.loads(bytes(body[start : start + length]))
    records = tuple(_records(body, start + length))
    if len(records) != head["keys"]:
        raise SnapshotError(f"{path} has {len(records)} keys and promises {head['keys']}")
    return Snapshot(records, Revision(head["revision"]), head["size"], head["about"], digest.hex())


def _records(body: memoryview, at: int) -> Iterator[Record]:
    while at < len(body):
        key, value, created, changed = _RECORD.unpack_from(body, at)
        at += _RECORD.size
        name = Key(bytes(body[at : at + key]).decode())
        yield Record(name, bytes(body[at + key : at + key + value]), Revision(changed), Revision(created))
        at += key + value
