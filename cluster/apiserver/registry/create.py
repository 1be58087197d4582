"""Creating: name, admission, strategy, validation, hooks, store. The order is Kubernetes' own."""

from __future__ import annotations

from cluster.apiserver.admission.chain import settle
from cluster.apiserver.admission.interface import Operation
from cluster.apiserver.registry import fields, metadata
from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.options import WriteOptions
from cluster.apiserver.registry.read import fresh
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.writing import allocate, attributes, raise_invalid, store_new, taken, unsaved
from cluster.kinds.metadata import validate_metadata
from cluster.kinds.wire import null_empties
from cluster.meta import errors
from cluster.meta.decimals import is_digits, whole
from cluster.meta.errors import StatusError
from cluster.meta.types import Obj

_NAME_ATTEMPTS = 8


async def create(registry: Registry, namespace: str, obj: Obj, options: WriteOptions) -> Entry:
    """`obj` becomes the registry's own; it is decoded and defaulted already. Raises StatusError."""
    kind = registry.kind
    metadata.place_in_namespace(obj, kind, namespace)
    given = "" if options.apply else obj["metadata"].get("resourceVersion") or ""
    metadata.wipe(obj["metadata"])
    for warning in metadata.dedup_owners(obj):
        options.warn(warning)
    if not options.apply:
        fields.track(registry, obj, None, options)
    null_empties(obj, kind.definition)
    generated = not obj["metadata"].get("name") and bool(obj["metadata"].get("generateName"))
    for attempt in range(_NAME_ATTEMPTS if generated else 1):
        try:
            return await _create_once(registry, namespace, obj, options, given)
        except StatusError as error:
            if not generated or not errors.is_already_exists(error) or attempt == _NAME_ATTEMPTS - 1:
                raise
            obj["metadata"].pop("name", None)
    raise AssertionError("unreachable")


def _is_version(text: str) -> bool:
    """Whether it is a version that a stored object may have; anything else is taken for none."""
    return is_digits(text) and whole(text) != 0


async def _create_once(registry: Registry, namespace: str, obj: Obj, options: WriteOptions, given: str) -> Entry:
    services, strategy = registry.services, registry.kind.strategy
    name = obj["metadata"].get("name") or ""
    about = attributes(registry, Operation.CREATE, namespace, name, obj, None, options)
    succeeded = False
    try:
        await services.admission.mutate(about)
        assert about.obj is not None
        obj = about.obj
        if registry.hooks.permit is not None:
            await registry.hooks.permit(obj, None, options.user)
        metadata.stamp_new(obj, registry.kind, services.clock.now())
        for warning in strategy.prepare_create(obj) or ():
            options.warn(warning)
        if registry.hooks.sign is not None:
            registry.hooks.sign(obj, options.user)
        name = about.name = obj["metadata"].get("name") or ""
        _check(registry, obj, options, name)
        entry = await _store(registry, namespace, obj, about, name, given)
        succeeded = True
    finally:
        settle(about, succeeded)
    return entry


def _check(registry: Registry, obj: Obj, options: WriteOptions, name: str) -> None:
    strategy = registry.kind.strategy
    raise_invalid(registry, name, validate_metadata(obj, registry.kind) + strategy.validate(obj))
    for warning in strategy.warnings(obj, None):
        options.warn(warning)
    strategy.canonicalize(obj)


async def _store(  # type: ignore[no-untyped-def]
    registry: Registry, namespace: str, obj: Obj, about, name: str, given: str
) -> Entry:
    services = registry.services
    await services.admission.validate(about)
    if _is_version(given) and not about.dry_run:
        raise errors.StatusError(500, "", "resourceVersion should not be set on objects to be created")
    key = registry.key(namespace, name)
    if about.dry_run or registry.hooks.prepare is not None:
        await fresh(registry)
        held = registry.cache.entries.get(key)
        if held is not None:
            raise taken(registry, obj, held, name)
    undo = await allocate(registry, obj, None, about.dry_run)
    if about.dry_run:
        if given:
            obj["metadata"]["resourceVersion"] = given
        return unsaved(registry, obj, key)
    try:
        return await store_new(registry, obj, key, name)
    except BaseException:
        if undo is not None:
            undo()
        raise
