"""Updating: read, change, admit, check, and store if nobody was faster.

One loop serves PUT, PATCH, server-side apply and the subresources that store into their parent; they differ in the
`Change` they hand in. A change that changes nothing is not written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cluster.apiserver.admission.chain import settle
from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.registry import fields, metadata
from cluster.apiserver.registry.entry import Entry, encode
from cluster.apiserver.registry.options import WriteOptions, unsigned_fault
from cluster.apiserver.registry.read import fresh
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.unavailable import unavailable
from cluster.apiserver.registry.writing import (
    allocate,
    attributes,
    newest,
    own,
    raise_invalid,
    store_changed,
)
from cluster.kinds.kind import Strategy, Subresource
from cluster.kinds.metadata import validate_metadata_update
from cluster.kinds.wire import null_empties
from cluster.meta import errors
from cluster.meta.types import Obj
from cluster.storage.interface import KeyMissing, Revision, RevisionMismatch, StoreUnavailable

Transform = Callable[[Obj], Awaitable[Obj]]
_ATTEMPTS = 5


@dataclass(slots=True)
class Change:
    """`transform(copy of the current object)` gives the wanted one (it may raise StatusError).

    `retry` says whether losing a race is repeated (patches) or reported (a PUT with a resourceVersion).
    `create` is called when the object is missing and the change may create it.
    """

    transform: Transform
    retry: bool = True
    subresource: Subresource | None = None
    tracked: bool = True
    """Whether managedFields are computed here (server-side apply does it itself)."""
    create: Callable[[], Awaitable[Entry]] | None = None
    mutate: bool = True
    precondition: bool = False
    """The object's own uid, where it has one, says which object is meant (PUT)."""


async def update(registry: Registry, namespace: str, name: str, change: Change, options: WriteOptions) -> Entry:
    """Raises StatusError: 404, 409, 422, whatever admission says."""
    key = registry.key(namespace, name)
    await fresh(registry)
    entry = registry.cache.entries.get(key)
    for attempt in range(_ATTEMPTS):
        if entry is None:
            if change.create is not None:
                return await change.create()
            raise registry.absent(namespace, name)
        try:
            return await _attempt(registry, namespace, name, entry, change, options)
        except RevisionMismatch:
            if not change.retry or attempt == _ATTEMPTS - 1:
                raise registry.conflict(name) from None
        except KeyMissing:
            pass
        entry = await newest(registry, key)
    raise registry.conflict(name)


async def _attempt(
    registry: Registry, namespace: str, name: str, entry: Entry, change: Change, options: WriteOptions
) -> Entry:
    services = registry.services
    await registry.ready((entry,), anew=True)
    old = registry.present(entry)
    new = await change.transform(own(registry, entry))
    strategy, sub = _strategy(registry, change)
    _identify(registry, namespace, name, new, old, change, options.dry_run)
    metadata.dedup_owners(new)
    if change.tracked:
        fields.track(registry, new, old, options, sub)
    null_empties(new, registry.kind.definition)
    about = attributes(registry, Operation.UPDATE, namespace, name, new, old, options, sub)
    succeeded = False
    try:
        if change.mutate:
            await services.admission.mutate(about)
            assert about.obj is not None
            new = about.obj
        if registry.hooks.permit is not None:
            await registry.hooks.permit(new, old, options.user)
        _prepare(registry, new, old, strategy, change.subresource)
        if registry.hooks.stamp is not None:
            registry.hooks.stamp(new, old, services.clock.now())
        _check(registry, new, old, strategy, options, name)
        await services.admission.validate(about)
        stored = await _store(registry, namespace, name, entry, new, old, options)
        succeeded = True
    finally:
        settle(about, succeeded)
    return stored


def _strategy(registry: Registry, change: Change) -> tuple[Strategy, str]:
    if change.subresource is None:
        return registry.kind.strategy, ""
    if change.subresource.strategy is not None:
        return change.subresource.strategy, change.subresource.name
    plain = registry.kind.strategy if change.subresource.name == "scale" else _PLAIN
    return plain, change.subresource.name


_PLAIN = Strategy()


def _identify(registry: Registry, namespace: str, name: str, new: Obj, old: Obj, change: Change, dry_run: bool) -> None:
    """The object that is meant is the one that is there. Raises 400, 409, 422."""
    meta, before = new["metadata"], old["metadata"]
    metadata.place_in_namespace(new, registry.kind, namespace)
    given = meta.get("name") or ""
    if not given:
        raise errors.bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if given != name:
        shown = "the name of the object (%s) does not match the name on the URL (%s)"
        raise errors.bad_request(shown % (given, name))
    uid = meta.get("uid")
    if change.precondition and uid and uid != before["uid"]:
        raise registry.uid_mismatch(namespace, name, uid, before["uid"], dry_run=dry_run)
    version = meta.get("resourceVersion") or ""
    if not version.strip("0"):
        # The version of nothing: the same as to name none.
        meta.pop("resourceVersion", None)
    elif version != before["resourceVersion"]:
        if fault := unsigned_fault(version):
            raise errors.StatusError(500, "", fault)
        raise registry.conflict(name)


def _prepare(registry: Registry, new: Obj, old: Obj, strategy: Strategy, sub: Subresource | None) -> None:
    main = registry.kind.strategy
    metadata.carry_over(new, old)
    if sub is not None and sub.strategy is None and sub.name == "status":
        keep_all_but_status(new, old)
    strategy.prepare_update(new, old)
    if sub is None and "status" in {s.name for s in registry.kind.subresources} and "status" in old:
        new.setdefault("status", old["status"])
    if main.generation and (sub is None or sub.name not in ("binding", "status")):
        metadata.bump_generation(new, old, main.generation_of)
    new["metadata"] = metadata.ordered(new["metadata"]) | {"resourceVersion": old["metadata"]["resourceVersion"]}


def keep_all_but_status(new: Obj, old: Obj) -> None:
    """What a write to /status changes: the status, and metadata."""
    for field in [f for f in new if f not in ("status", "metadata", "kind", "apiVersion")]:
        if field not in old:
            del new[field]
    for field, value in old.items():
        if field not in ("status", "metadata"):
            new[field] = value


def _check(registry: Registry, new: Obj, old: Obj, strategy: Strategy, options: WriteOptions, name: str) -> None:
    found = validate_metadata_update(new, old, registry.kind, strategy.update_metadata)
    found += strategy.validate_update(new, old)
    for remark in strategy.remarks() if strategy.remarks is not None else ():
        options.warn(remark)
    raise_invalid(registry, name, found)
    for warning in strategy.warnings(new, old):
        options.warn(warning)
    strategy.canonicalize(new)


async def _store(
    registry: Registry, namespace: str, name: str, entry: Entry, new: Obj, old: Obj, options: WriteOptions
) -> Entry:
    key = registry.key(namespace, name)
    stored = await registry.stored_form(new)
    value = encode(stored)
    unchanged = value == entry.value or (_current(registry, entry, stored) and _only_times_differ(new, old))
    if unchanged and key not in registry.cache.stale:
        return entry
    if not options.dry_run and goes_now(registry, new, old):
        return await _remove(registry, key, entry, new)
    undo = await allocate(registry, new, old, options.dry_run)
    if undo is not None or registry.hooks.prepare is not None:
        stored = await registry.stored_form(new)
        value = encode(stored)
    if options.dry_run:
        return _shown(registry, Entry(key, encode(new), entry.revision, new))
    try:
        return await store_changed(registry, value, stored, key, entry.revision)
    except BaseException:
        if undo is not None:
            undo()
        raise


def _current(registry: Registry, entry: Entry, stored: Obj) -> bool:
    """Whether the store holds an object as it would be written today: else any write is worth it."""
    return not registry.converts or (registry.view(entry) is entry and not entry.foreign(stored["apiVersion"]))


def _only_times_differ(new: Obj, old: Obj) -> bool:
    """Whether nothing changed but when somebody last claimed what was his already: not worth a write."""
    if any(new.get(k) != v for k, v in old.items() if k != "metadata") or len(new) != len(old):
        return False
    meta, before = new["metadata"], old["metadata"]
    if meta.keys() != before.keys() or any(meta[k] != v for k, v in before.items() if k != "managedFields"):
        return False
    return _timeless(meta) == _timeless(before)


def _timeless(meta: Obj) -> list[Obj]:
    return [{k: v for k, v in entry.items() if k != "time"} for entry in meta.get("managedFields") or []]


def goes_now(registry: Registry, new: Obj, old: Obj) -> bool:
    """Whether this update takes the last thing away that kept a deleted object alive."""
    meta, before = new["metadata"], old["metadata"]
    if meta.get("finalizers") or not before.get("deletionTimestamp"):
        return False
    if (before.get("deletionGracePeriodSeconds") or 0) != 0:
        return False
    return registry.hooks.deletable is None or registry.hooks.deletable(new)


async def _remove(registry: Registry, key: str, entry: Entry, new: Obj) -> Entry:
    try:
        revision = await registry.services.store.delete_if(registry.store_key_of(key), Revision(entry.revision))
    except StoreUnavailable as error:
        raise unavailable(error) from None
    await registry.services.feed.reached(revision)
    if registry.hooks.removed is not None:
        registry.hooks.removed(new)
    return _shown(registry, Entry(key, encode(new), entry.revision))


def _shown(registry: Registry, entry: Entry) -> Entry:
    """An entry that is in the registry's version already, as it is not the store's."""
    if registry.converts:
        entry.show(registry.kind, entry)
    return entry


__all__ = ["Attributes", "Change", "goes_now", "keep_all_but_status", "update"]
