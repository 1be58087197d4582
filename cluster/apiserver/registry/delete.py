"""Deleting: preconditions, grace periods, finalizers, propagation.

A deletion either takes the object away or marks it (deletionTimestamp) and leaves the rest to those who hold a
finalizer or a grace period; the rules follow rest.BeforeDelete and the generic store of Kubernetes.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.apiserver.admission.chain import settle
from cluster.apiserver.admission.interface import Operation
from cluster.apiserver.registry.entry import Entry, encode
from cluster.apiserver.registry.metadata import ordered
from cluster.apiserver.registry.options import DeleteOptions, ReadOptions, WriteOptions
from cluster.apiserver.registry.read import Page, fresh, list_page
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.unavailable import unavailable
from cluster.apiserver.registry.writing import attributes, newest, own, store_changed
from cluster.meta import errors
from cluster.meta.objects import clone
from cluster.meta.times import parse, seconds
from cluster.meta.types import GroupResource, Obj
from cluster.storage.interface import KeyMissing, Revision, RevisionMismatch, StoreUnavailable

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_ATTEMPTS = 10


@dataclass(slots=True)
class Deleted:
    """`obj` is the object as it was or is now; `gone` whether it has been taken away."""

    entry: Entry
    gone: bool


async def delete(registry: Registry, namespace: str, name: str, options: DeleteOptions) -> Deleted:
    """Raises StatusError: 404, 409, whatever admission says."""
    key = registry.key(namespace, name)
    await fresh(registry)
    entry = registry.cache.entries.get(key)
    for _ in range(_ATTEMPTS):
        if entry is None:
            raise registry.absent(namespace, name)
        try:
            return await _attempt(registry, namespace, name, entry, options.copy())
        except RevisionMismatch:
            pass
        except KeyMissing:
            raise registry.not_found(name) from None
        entry = await newest(registry, key)
    raise registry.conflict(name)


async def _attempt(registry: Registry, namespace: str, name: str, entry: Entry, options: DeleteOptions) -> Deleted:
    await registry.ready((entry,), anew=True)
    old = registry.present(entry)
    check_preconditions(registry, old, options)
    write = WriteOptions(
        options.user,
        options.dry_run,
        wire=options.wire,
        warnings=options.warnings,
        annotations=options.annotations,
    )
    about = attributes(registry, Operation.DELETE, namespace, name, None, old, write)
    succeeded = False
    try:
        await registry.services.admission.mutate(about)
        await registry.services.admission.validate(about)
        outcome = await _carry_out(registry, entry, options)
        succeeded = True
    finally:
        settle(about, succeeded)
    return outcome


def check_preconditions(registry: Registry, obj: Obj, options: DeleteOptions) -> None:
    """Raises 409."""
    meta = obj["metadata"]
    asked = GroupResource(registry.kind.group, registry.kind.kind)
    if options.uid is not None and options.uid != meta["uid"]:
        raise errors.conflict(
            asked,
            meta["name"],
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta['uid']}). "
            "The object might have been deleted and then recreated",
        )
    if options.resource_version is not None and options.resource_version != meta["resourceVersion"]:
        raise errors.conflict(
            asked,
            meta["name"],
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
            f"ResourceVersion in record ({meta['resourceVersion']}). The object might have been modified",
        )


async def _carry_out(registry: Registry, entry: Entry, options: DeleteOptions) -> Deleted:
    new = own(registry, entry)
    now = registry.services.clock.now()
    if registry.hooks.before_delete is not None and registry.hooks.before_delete(new, now):
        return Deleted(await _save(registry, entry, new, options), False)
    step = _mark(registry, new, options)
    if step is Step.WAIT:
        return Deleted(entry, False)
    if step is Step.NOW:
        return Deleted(await _take_away(registry, entry, options), True)
    marked = await _save(registry, entry, new, options)
    if step is Step.KEEP:
        return Deleted(marked, False)
    return Deleted(await _take_away(registry, marked, options), True)


class Step:
    """What a deletion does: nothing more (already under way), take away, mark and keep, mark and take away."""

    WAIT = "wait"
    NOW = "now"
    KEEP = "keep"
    MARK = "mark"


def _mark(registry: Registry, obj: Obj, options: DeleteOptions) -> str:
    """Mark `obj` in place as the deletion demands."""
    meta = obj["metadata"]
    graceful, pending = _grace(registry, obj, options)
    if pending:
        return Step.WAIT
    finalizers = list(meta.get("finalizers") or [])
    wanted = _gc_finalizers(registry, finalizers, options)
    changed = wanted != finalizers
    if changed:
        meta["finalizers"] = wanted
    if wanted and not graceful:
        _mark_now(registry, meta)
        return Step.KEEP
    if not graceful:
        return Step.NOW
    return Step.KEEP if wanted or (options.grace or 0) > 0 else Step.MARK


def _mark_now(registry: Registry, meta: Obj) -> None:
    if not meta.get("deletionTimestamp"):
        meta["deletionTimestamp"] = seconds(registry.services.clock.now())
        if meta.get("generation"):
            meta["generation"] += 1
    meta["deletionGracePeriodSeconds"] = 0


def _grace(registry: Registry, obj: Obj, options: DeleteOptions) -> tuple[bool, bool]:
    """(graceful: obj was marked with a period, pending: it already is and nothing changes)."""
    meta = obj["metadata"]
    strategy = registry.kind.strategy.grace_period
    if strategy is None:
        return False, False
    if meta.get("deletionTimestamp"):
        return _shorten(meta, options)
    period = strategy(obj, options.grace)
    if period is None:
        return False, False
    options.grace = period
    meta["deletionTimestamp"] = seconds(registry.services.clock.now() + period)
    meta["deletionGracePeriodSeconds"] = period
    if meta.get("generation"):
        meta["generation"] += 1
    return True, False


def _shorten(meta: Obj, options: DeleteOptions) -> tuple[bool, bool]:
    held = meta.get("deletionGracePeriodSeconds")
    if held is None:
        return False, False
    if options.grace is None or options.grace >= held:
        return False, True
    start = parse(meta["deletionTimestamp"]).timestamp() - held
    meta["deletionTimestamp"] = seconds(start + options.grace)
    meta["deletionGracePeriodSeconds"] = options.grace
    return True, False


def _gc_finalizers(registry: Registry, finalizers: list[str], options: DeleteOptions) -> list[str]:
    """Finalizers with those of the garbage collector as the propagation policy wants them."""
    if registry.kind.plural == "events":
        return finalizers
    orphan, foreground = _policy(finalizers, options)
    kept = [f for f in finalizers if f not in (ORPHAN, FOREGROUND)]
    if orphan:
        kept.append(ORPHAN)
    if foreground:
        kept.append(FOREGROUND)
    return finalizers if sorted(kept) == sorted(finalizers) else kept


def _policy(finalizers: list[str], options: DeleteOptions) -> tuple[bool, bool]:
    if options.orphan is not None:
        return options.orphan, False
    if options.propagation is not None:
        return options.propagation == "Orphan", options.propagation == "Foreground"
    for finalizer in finalizers:
        if finalizer == ORPHAN:
            return True, False
        if finalizer == FOREGROUND:
            return False, True
    return False, False


async def _save(registry: Registry, entry: Entry, new: Obj, options: DeleteOptions) -> Entry:
    version = new["metadata"].get("resourceVersion")
    new["metadata"] = ordered(new["metadata"]) | {"resourceVersion": version}
    stored = await registry.stored_form(new)
    value = encode(stored)
    if value == entry.value:
        return entry
    if options.dry_run:
        marked = Entry(entry.key, encode(new), entry.revision, clone(new))
        if registry.converts:
            marked.show(registry.kind, marked)
        return marked
    return await store_changed(registry, value, stored, entry.key, entry.revision)


async def _take_away(registry: Registry, entry: Entry, options: DeleteOptions) -> Entry:
    if options.dry_run:
        return entry
    services = registry.services
    try:
        revision = await services.store.delete_if(registry.store_key_of(entry.key), Revision(entry.revision))
    except StoreUnavailable as error:
        raise unavailable(error) from None
    gone = entry.at(revision)
    await services.feed.reached(revision)
    if registry.hooks.removed is not None:
        registry.hooks.removed(gone.obj)
    return gone


async def delete_collection(registry: Registry, namespace: str, options: DeleteOptions, selection: ReadOptions) -> Page:
    """Delete all that match, in order; what vanishes meanwhile is passed over. Returns them as they were listed."""
    page = await list_page(registry, namespace, selection)
    for entry in page.entries:
        where, name = entry.namespace_and_name
        try:
            await delete(registry, where, name, options)
        except errors.StatusError as error:
            if not errors.is_not_found(error):
                raise
    return page
