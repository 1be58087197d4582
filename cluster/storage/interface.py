"""What the cluster needs of a store: keys, revisions and bytes, and nothing that knows an object.

One revision counter orders every write to every key. A write is acknowledged (its awaitable finishes) only when
it would survive kill -9. A watcher gets every later change of its prefix once, in revision order, and changes of
one revision together. Implementations: `memory`, `sqlite` and `etcd`; one conformance suite runs over all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol

Key = NewType("Key", str)
"""`/registry/<group.resource>/<namespace>/<name>`; a prefix ends with a slash."""
Revision = NewType("Revision", int)


class EventType(StrEnum):
    PUT = "put"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Record:
    """A key's value with the revisions of its creation and its last change."""

    key: Key
    value: bytes
    mod_revision: Revision
    create_revision: Revision


@dataclass(frozen=True, slots=True)
class StaleRecord(Record):
    """Its value is not stored as it would be today (another key encrypts): to be written again when it is updated."""


@dataclass(frozen=True, slots=True)
class UnreadableRecord(Record):
    """Its stored bytes cannot be opened, for the reason `why`; the value is empty."""

    why: str


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `record.mod_revision` is the change's revision, also for a delete, whose value is the last one.

    `previous` is the record before the change, None when the key was created by it.
    """

    type: EventType
    record: Record
    previous: Record | None


@dataclass(frozen=True, slots=True)
class Page:
    """A consistent cut: `records` as they were at `revision`; `remaining` counts those after the last one."""

    records: tuple[Record, ...]
    revision: Revision
    remaining: int = 0


class StoreError(Exception):
    """Root of the store's errors."""


class KeyExists(StoreError):
    """create() found the key."""


class KeyMissing(StoreError):
    """update_if() or delete_if() did not find the key."""


class RevisionMismatch(StoreError):
    """The key is at another revision; `current` is its record."""

    def __init__(self, current: Record) -> None:
        super().__init__(f"{current.key} is at revision {current.mod_revision}")
        self.current = current


class Compacted(StoreError):
    """The revision asked for is no longer kept; `oldest` is the first that is."""

    def __init__(self, oldest: Revision) -> None:
        super().__init__(f"revisions before {oldest} have been compacted")
        self.oldest = oldest


class FutureRevision(StoreError):
    """The revision asked for has not been reached."""


class StoreUnavailable(StoreError):
    """The store cannot serve now (closed, disk full, read-only); the text says why."""


class Store(Protocol):
    """Eight verbs. All may raise StoreUnavailable."""

    @property
    def shared(self) -> bool:
        """Whether others write to it as well, so that whoever follows it may be behind what they were told."""
        ...

    async def get(self, key: Key) -> Record | None: ...

    async def list_at(
        self, prefix: str, *, revision: Revision | None = None, after: Key | None = None, limit: int = 0
    ) -> Page:
        """Records below `prefix` in key order, after key `after`, at most `limit` (0: all), as of `revision`
        (None: now). Raises Compacted or FutureRevision."""
        ...

    async def create(self, key: Key, value: bytes) -> Revision:
        """Raises KeyExists."""
        ...

    async def update_if(self, key: Key, value: bytes, expected: Revision) -> Revision:
        """Replace when mod_revision is `expected`. Raises KeyMissing, RevisionMismatch."""
        ...

    async def delete_if(self, key: Key, expected: Revision) -> Revision:
        """Delete when mod_revision is `expected`. Raises KeyMissing, RevisionMismatch."""
        ...

    def watch_from(self, prefix: str, revision: Revision) -> AsyncIterator[list[Event]]:
        """Changes with a revision greater than `revision`, batch by batch, until closed by the consumer.
        Raises Compacted on first use when they are no longer kept."""
        ...

    async def compact(self, revision: Revision) -> None:
        """Forget history before `revision`; current values stay."""
        ...

    async def current_revision(self) -> Revision: ...

    async def close(self) -> None:
        """Finish writes under way, end watches, release files."""
        ...
