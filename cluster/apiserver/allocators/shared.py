"""Cluster addresses and node ports where several servers give them away from one store.

Each address and port in use is claimed by a key of the store, so that only one of two servers gets it. What a server
has seen of the others' Services decides what it tries first; the claim decides who wins. A server that dies between
claiming and writing leaves a claim that nobody uses, and a restored state has Services without claims: `mend` sets
both right, and must be called now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson

from cluster.apiserver.allocators.node_ports import ports_of
from cluster.apiserver.allocators.services import ServiceAllocator, addresses_of, name_of
from cluster.apiserver.registry.cache import Change
from cluster.apiserver.registry.services import Undo
from cluster.apiserver.registry.unavailable import unavailable
from cluster.meta.objects import clone
from cluster.meta.types import Obj
from cluster.storage.interface import (
    Key,
    KeyExists,
    KeyMissing,
    Record,
    Revision,
    RevisionMismatch,
    Store,
    StoreUnavailable,
)

_ROOT = "/registry/ranges/"
_ATTEMPTS = 32


class SharedAllocator:
    """Puts claims around a ServiceAllocator."""

    def __init__(self, allocator: ServiceAllocator, store: Store) -> None:
        self._allocator, self._store = allocator, store
        self._giving_back: set[asyncio.Task[None]] = set()
        self._unused: dict[Key, Revision] = {}
        self._lost: set[Key] = set()

    async def reserve(self, new: Obj, old: Obj | None, dry_run: bool) -> Undo | None:
        """See Hooks.reserve. Raises 422, 503."""
        asked = clone(new)
        for attempt in range(_ATTEMPTS):
            undo = self._allocator.prepare(new, old, dry_run)
            if dry_run:
                return undo
            claimed, lost = await self._claim(claims(new) - (claims(old) if old is not None else set()), new)
            if lost is None:
                if old is not None:
                    self._give_back(claims(old) - claims(new))
                return lambda: self._undo(undo, claimed)
            self._undo(undo, claimed)
            # Somebody else has it: what was chosen here is chosen anew, what was asked for is refused.
            self._allocator.hold(*_parts(lost), owner="another server's Service")
            self._lost.add(lost)
            if attempt < _ATTEMPTS - 1:
                new.clear()
                new.update(clone(asked))
        return self._allocator.prepare(new, old, dry_run)

    def removed(self, service: Obj) -> None:
        self._allocator.removed(service)
        self._give_back(claims(service))

    def followed(self, _: str, change: Change) -> None:
        """A Service was written, here or elsewhere: a watch's sink."""
        before = change.previous.obj if change.previous is not None else None
        if before is not None:
            self._allocator.removed(before)
        if change.type != "DELETED":
            self._allocator.load([change.entry.obj])

    async def mend(self, services: Iterable[Obj]) -> None:
        """Claim what Services have; give back what was unused at the last look already. Raises StoreUnavailable."""
        wanted = {key: service for service in services for key in claims(service)}
        held = {record.key: record for record in (await self._store.list_at(_ROOT)).records}
        for key in wanted.keys() - held.keys():
            await self._claim({key}, wanted[key])
        unused = {key: record.mod_revision for key, record in held.items() if key not in wanted}
        for key, revision in unused.items():
            if self._unused.get(key) == revision:
                await self._drop(key, revision)
        self._unused = unused
        for key in [key for key in self._lost if key not in held and key not in wanted]:
            self._lost.discard(key)
            self._allocator.free(*_parts(key))

    async def _claim(self, keys: set[Key], service: Obj) -> tuple[set[Key], Key | None]:
        """What was claimed, and the first that another has; all of them are the owner's own claims otherwise."""
        value, claimed = orjson.dumps({"owner": name_of(service)}), set()
        for key in sorted(keys):
            try:
                await self._store.create(key, value)
                claimed.add(key)
            except KeyExists:
                if not self._is(await self._store.get(key), value):
                    return claimed, key
            except StoreUnavailable as error:
                self._give_back(claimed)
                raise unavailable(error) from None
        return claimed, None

    @staticmethod
    def _is(record: Record | None, value: bytes) -> bool:
        return record is not None and record.value == value

    def _undo(self, undo: Undo | None, claimed: set[Key]) -> None:
        if undo is not None:
            undo()
        self._give_back(claimed)

    def _give_back(self, keys: set[Key]) -> None:
        for key in keys:
            task = asyncio.ensure_future(self._drop(key))
            self._giving_back.add(task)
            task.add_done_callback(self._giving_back.discard)

    async def _drop(self, key: Key, revision: Revision | None = None) -> None:
        try:
            record = await self._store.get(key)
            if record is not None and revision in (None, record.mod_revision):
                await self._store.delete_if(key, record.mod_revision)
        except (KeyMissing, RevisionMismatch, StoreUnavailable):
            # Mended later.
            return


def _parts(key: Key) -> tuple[str, str]:
    kind, _, what = key.removeprefix(_ROOT).partition("/")
    return kind, what


def claims(service: Obj) -> set[Key]:
    """The keys that stand for a Service's addresses and ports."""
    found = {Key(f"{_ROOT}serviceips/{address}") for address in addresses_of(service)}
    return found | {Key(f"{_ROOT}servicenodeports/{port}") for port in ports_of(service)}
