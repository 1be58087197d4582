"""Steps that creating and updating share: validation into one 422, admission attributes, storing, and the answer."""

from __future__ import annotations

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.registry.entry import Entry, encode
from cluster.apiserver.registry.feed import unreadable
from cluster.apiserver.registry.options import WriteOptions
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.services import Undo
from cluster.apiserver.registry.unavailable import unavailable
from cluster.meta import errors
from cluster.meta.field import FieldError
from cluster.meta.objects import clone
from cluster.meta.types import Obj
from cluster.storage.interface import KeyExists, Record, Revision, StoreUnavailable


def raise_invalid(registry: Registry, name: str, found: list[FieldError]) -> None:
    """422, unless every fault is one this server tolerates."""
    allowed = registry.services.allowances
    faults = [f for f in found if not f.allowance or f.allowance not in allowed]
    if faults:
        kind = registry.kind
        # Kinds that share a store are the same kind to the API server, called as it is stored.
        raise errors.invalid((kind.storage_resource.group, kind.kind), name, [f.cause() for f in faults])


def attributes(
    registry: Registry,
    operation: Operation,
    namespace: str,
    name: str,
    new: Obj | None,
    old: Obj | None,
    options: WriteOptions,
    subresource: str = "",
) -> Attributes:
    return Attributes(
        operation,
        registry.kind,
        namespace,
        name,
        new,
        old,
        options.user,
        subresource,
        options.dry_run,
        options.wire,
        options.warnings,
        annotations=options.annotations,
        bodies_audited=options.bodies_audited,
    )


async def allocate(registry: Registry, new: Obj, old: Obj | None, dry_run: bool) -> Undo | None:
    """Give a new state what the resource gives away (addresses, ports), in place; the result gives it back. 422."""
    hooks = registry.hooks
    if hooks.reserve is not None:
        return await hooks.reserve(new, old, dry_run)
    return hooks.prepare(new, old, dry_run) if hooks.prepare is not None else None


def unsaved(registry: Registry, obj: Obj, key: str) -> Entry:
    """The answer to a dry run."""
    entry = Entry(key, encode(obj), 0, obj)
    if registry.converts:
        entry.show(registry.kind, entry)
    return entry


async def store_new(registry: Registry, obj: Obj, key: str, name: str) -> Entry:
    """Write a new object and wait until readers see it. Raises 409, 503."""
    services = registry.services
    stored = await registry.stored_form(obj)
    value = encode(stored)
    services.feed.announce(value, stored)
    try:
        revision = await services.store.create(registry.store_key_of(key), value)
    except KeyExists:
        services.feed.retract(value)
        raise taken(registry, obj, await _held(registry, key), name) from None
    except StoreUnavailable as error:
        services.feed.retract(value)
        raise unavailable(error) from None
    return await seen(registry, key, value, revision)


def taken(registry: Registry, obj: Obj, held: Entry | None, name: str) -> errors.StatusError:
    """409 for a new object whose name another one holds."""
    resource = registry.kind.group_resource
    wanted = obj["metadata"].get("generateName")
    error = errors.name_not_generated(resource, name) if wanted else errors.already_exists(resource, name)
    if held is not None and held.obj["metadata"].get("deletionTimestamp"):
        error.message = f"object is being deleted: {error.message}"
    return error


async def _held(registry: Registry, key: str) -> Entry | None:
    """Who has the key, as far as that can be read: what is in the way may be what no encryption key opens."""
    try:
        return await newest(registry, key)
    except errors.StatusError:
        return None


async def store_changed(registry: Registry, value: bytes, stored: Obj, key: str, expected: int) -> Entry:
    """Replace and wait until readers see it. Raises RevisionMismatch, KeyMissing, 503."""
    services = registry.services
    services.feed.announce(value, stored)
    try:
        revision = await services.store.update_if(registry.store_key_of(key), value, Revision(expected))
    except StoreUnavailable as error:
        services.feed.retract(value)
        raise unavailable(error) from None
    except BaseException:
        services.feed.retract(value)
        raise
    return await seen(registry, key, value, revision)


async def seen(registry: Registry, key: str, value: bytes, revision: Revision) -> Entry:
    """The entry of a write just acknowledged, once the cache has it."""
    feed = registry.services.feed
    if feed.revision < revision:
        await feed.reached(revision)
    feed.retract(value)
    entry = registry.cache.entries.get(key)
    if entry is None or entry.revision != revision:
        entry = Entry(key, value, revision)
    await registry.ready((entry,))
    return entry


async def newest(registry: Registry, key: str) -> Entry | None:
    """The object as the store has it now: after a conflict, when the cache may lag behind."""
    try:
        record = await registry.services.store.get(registry.store_key_of(key))
    except StoreUnavailable as error:
        raise unavailable(error) from None
    if record is None:
        return None
    if why := unreadable(record):
        raise errors.internal(why)
    return entry_of(registry, record)


def entry_of(registry: Registry, record: Record) -> Entry:
    held = registry.cache.entries.get(record.key[len(registry.cache.prefix) :])
    if held is not None and held.revision == record.mod_revision:
        return held
    return Entry(record.key[len(registry.cache.prefix) :], record.value, record.mod_revision)


def own(registry: Registry, entry: Entry) -> Obj:
    """A copy of an entry's object that the caller may change, in the registry's version."""
    return clone(registry.present(entry))
