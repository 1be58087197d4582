"""A store whose values are encrypted in the one below: what is above it sees plain values, what is below never does.

A value that cannot be opened is not left out and stops nobody: it comes as an UnreadableRecord, whose value is empty.
What another than the first key opened comes as a StaleRecord, to be written again when it is next updated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from cluster.storage.encryption.ciphers import Unreadable
from cluster.storage.encryption.configuration import Encryption
from cluster.storage.encryption.transformers import Transformer
from cluster.storage.interface import (
    Event,
    Key,
    Page,
    Record,
    Revision,
    RevisionMismatch,
    StaleRecord,
    Store,
    UnreadableRecord,
)

_KEPT = 64


class EncryptedStore:
    """See cluster.storage.interface.Store."""

    def __init__(self, below: Store, encryption: Encryption) -> None:
        self._below = below
        self._encryption = encryption
        self._transformers: dict[str, Transformer] = {}
        self._written: dict[int, tuple[bytes, bytes]] = {}
        """What was written from here and is not yet announced, sealed and plain: the very bytes come back."""

    @property
    def shared(self) -> bool:
        return self._below.shared

    def _transformer(self, key: str) -> Transformer:
        resource = key.split("/", 3)[2]
        found = self._transformers.get(resource)
        if found is None:
            found = self._transformers[resource] = self._encryption.transformer(resource)
        return found

    def _opened(self, record: Record) -> Record:
        written = self._written.get(id(record.value))
        if written is not None and written[0] is record.value:
            del self._written[id(record.value)]
            return replace(record, value=written[1])
        key, revision, created = record.key, record.mod_revision, record.create_revision
        try:
            plain, stale = self._transformer(key).from_store(record.value, key.encode())
        except Unreadable as why:
            return UnreadableRecord(key, b"", revision, created, str(why))
        made = StaleRecord if stale else Record
        return made(key, plain, revision, created)

    def _sealed(self, key: Key, value: bytes) -> bytes:
        sealed = self._transformer(key).to_store(value, key.encode())
        self._written[id(sealed)] = sealed, value
        if len(self._written) > _KEPT:
            # A store that is another process gives back a copy, so nothing would ever take these out.
            del self._written[next(iter(self._written))]
        return sealed

    async def get(self, key: Key) -> Record | None:
        found = await self._below.get(key)
        return None if found is None else self._opened(found)

    async def list_at(
        self, prefix: str, *, revision: Revision | None = None, after: Key | None = None, limit: int = 0
    ) -> Page:
        page = await self._below.list_at(prefix, revision=revision, after=after, limit=limit)
        return replace(page, records=tuple(map(self._opened, page.records)))

    async def create(self, key: Key, value: bytes) -> Revision:
        sealed = self._sealed(key, value)
        try:
            return await self._below.create(key, sealed)
        except BaseException:
            self._written.pop(id(sealed), None)
            raise

    async def update_if(self, key: Key, value: bytes, expected: Revision) -> Revision:
        sealed = self._sealed(key, value)
        try:
            return await self._below.update_if(key, sealed, expected)
        except BaseException as error:
            self._written.pop(id(sealed), None)
            if isinstance(error, RevisionMismatch):
                raise RevisionMismatch(self._opened(error.current)) from None
            raise

    async def delete_if(self, key: Key, expected: Revision) -> Revision:
        try:
            return await self._below.delete_if(key, expected)
        except RevisionMismatch as mismatch:
            raise RevisionMismatch(self._opened(mismatch.current)) from None

    async def watch_from(self, prefix: str, revision: Revision) -> AsyncIterator[list[Event]]:
        async with aclosing(cast(Any, self._below.watch_from(prefix, revision))) as batches:
            async for events in batches:
                yield [self._told(event) for event in events]

    def _told(self, event: Event) -> Event:
        previous = None if event.previous is None else self._opened(event.previous)
        return Event(event.type, self._opened(event.record), previous)

    async def compact(self, revision: Revision) -> None:
        await self._below.compact(revision)

    async def current_revision(self) -> Revision:
        return await self._below.current_revision()

    async def close(self) -> None:
        await self._below.close()
