"""The verbs of a resource. One table from verb to handler; what a kind does not offer is a 405."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cluster.apiserver.handlers import body, patch, render
from cluster.apiserver.handlers.accept import Route, wanted_by
from cluster.apiserver.handlers.watch import watch
from cluster.apiserver.http.messages import Response
from cluster.apiserver.registry.create import create
from cluster.apiserver.registry.delete import delete, delete_collection
from cluster.apiserver.registry.options import (
    DeleteOptions,
    WriteOptions,
    delete_options,
    read_options,
    write_options,
)
from cluster.apiserver.registry.read import get_entry, list_page
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.update import Change, update
from cluster.apiserver.request import Context, Query
from cluster.meta import errors
from cluster.meta.types import Obj

Verb = Callable[[Context, Registry], Awaitable[Response]]


def write_options_of(ctx: Context, options_kind: str) -> WriteOptions:
    options = write_options(ctx.query, ctx.user, ctx.request.headers.get("user-agent", ""), options_kind)
    options.warnings = ctx.warnings
    options.annotations = ctx.annotations
    if ctx.audit:
        options.bodies_audited = ctx.audit.bodies
    return options


async def get(ctx: Context, registry: Registry) -> Response:
    wanted = wanted_by(ctx, registry)
    entry = await get_entry(registry, ctx.info.namespace, ctx.info.name, ctx.query.get("resourceVersion"))
    return render.one(ctx, registry, entry, wanted)


async def list_(ctx: Context, registry: Registry) -> Response:
    options = read_options(ctx.query)
    wanted = wanted_by(ctx, registry, Route.LIST)
    page = await list_page(registry, ctx.info.namespace, options)
    return render.many(ctx, registry, page, wanted)


async def watch_(ctx: Context, registry: Registry) -> Response:
    options = read_options(ctx.query)
    if ctx.info.name and not options.field_selector:
        options.field_selector = f"metadata.name={ctx.info.name}"
    wanted = wanted_by(ctx, registry, Route.WATCH)
    include = ctx.query.get("includeObject") or "Metadata"
    return await watch(ctx, registry, options, wanted, include)


async def create_(ctx: Context, registry: Registry) -> Response:
    options = write_options_of(ctx, "CreateOptions")
    wanted = wanted_by(ctx, registry)
    obj = body.incoming(ctx, registry, options)
    entry = await create(registry, ctx.info.namespace, obj, options)
    return render.one(ctx, registry, entry, wanted, 201)


async def update_(ctx: Context, registry: Registry) -> Response:
    options = write_options_of(ctx, "UpdateOptions")
    wanted = wanted_by(ctx, registry)
    obj = body.incoming(ctx, registry, options)
    entry, made = await put(registry, ctx.info.namespace, ctx.info.name, obj, options)
    return render.one(ctx, registry, entry, wanted, 201 if made else 200)


async def put(registry: Registry, namespace: str, name: str, obj: Obj, options: WriteOptions, sub=None):  # type: ignore[no-untyped-def]
    """Replace; returns the entry and whether it was created."""
    made = False
    versioned = (obj["metadata"].get("resourceVersion") or "0") != "0"

    async def transform(current: Obj) -> Obj:
        if not versioned and not registry.kind.strategy.unconditional_update:
            given = obj["metadata"].get("name") or name
            if given != name:
                shown = "the name of the object (%s) does not match the name on the URL (%s)"
                raise errors.bad_request(shown % (given, name))
            uid, held = obj["metadata"].get("uid"), current["metadata"]["uid"]
            if uid and uid != held:
                raise registry.uid_mismatch(namespace, name, uid, held)
            raise _must_have_version(registry, name)
        from cluster.meta.objects import clone

        return clone(obj)

    async def make():  # type: ignore[no-untyped-def]
        nonlocal made
        made = True
        return await create(registry, namespace, obj, options)

    change = Change(transform, retry=not versioned, subresource=sub, precondition=True)
    if registry.kind.strategy.create_on_update and sub is None:
        change.create = make
    return await update(registry, namespace, name, change, options), made


def _must_have_version(registry: Registry, name: str) -> errors.StatusError:
    kind = registry.kind
    cause = errors.Cause(
        "FieldValueInvalid", "Invalid value: 0: must be specified for an update", "metadata.resourceVersion"
    )
    return errors.invalid((kind.group, kind.plural), name, [cause])


async def patch_(ctx: Context, registry: Registry) -> Response:
    return await patch.handle(ctx, registry, None)


async def delete_(ctx: Context, registry: Registry) -> Response:
    options = _delete_options(ctx, registry)
    _warn_of_default(registry, options)
    wanted = wanted_by(ctx, registry)
    outcome = await delete(registry, ctx.info.namespace, ctx.info.name, options)
    status = 202 if not outcome.gone and options.orphan is False else 200
    if not outcome.gone or registry.kind.plural in RETURNS_DELETED:
        return render.one(ctx, registry, outcome.entry, wanted, status)
    return render.answer(ctx, render.success(deleted_details(registry, ctx.info.name, outcome.entry.obj)), wanted)


RETURNS_DELETED = frozenset(
    (
        "pods",
        "services",
        "serviceaccounts",
        "podtemplates",
        "persistentvolumes",
        "persistentvolumeclaims",
        "resourcequotas",
        "storageclasses",
        "volumeattachments",
        "csidrivers",
        "csinodes",
        "csistoragecapacities",
        "volumeattributesclasses",
        "resourceclaims",
        "resourceclaimtemplates",
        "resourceslices",
        "deviceclasses",
    )
)
"""Resources whose deletion answers with the object instead of a Status."""


def deleted_details(registry: Registry, name: str, obj: Obj) -> Obj:
    details = {"name": name, "group": registry.kind.group, "kind": registry.kind.plural}
    if not registry.kind.group:
        del details["group"]
    return {**details, "uid": obj["metadata"]["uid"]}


def _delete_options(ctx: Context, registry: Registry) -> DeleteOptions:
    sent = body.delete_body(ctx, registry)
    if ctx.audit and sent is not None:
        ctx.audit.requested({**sent, "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/__internal"})
    options = delete_options(sent, ctx.query, ctx.user)
    options.warnings, options.annotations = ctx.warnings, ctx.annotations
    return options


def _warn_of_default(registry: Registry, options: DeleteOptions) -> None:
    """What becomes of an object's dependents when the request does not say."""
    unsaid = registry.kind.strategy.unsaid_propagation
    if unsaid and options.propagation is None and options.orphan is None:
        options.warnings.append(unsaid)


async def deletecollection(ctx: Context, registry: Registry) -> Response:
    selection = read_options(_without(ctx.query, "watch"))
    options = _delete_options(ctx, registry)
    wanted = wanted_by(ctx, registry)
    page = await delete_collection(registry, ctx.info.namespace, options, selection)
    # Said of requests that were understood, selectors included.
    _warn_of_default(registry, options)
    return render.many(ctx, registry, page, wanted)


def _without(query: Query, name: str) -> Query:
    out = Query("")
    out._pairs = [(k, v) for k, v in query.pairs() if k != name]
    return out


VERBS: dict[str, Verb] = {
    "get": get,
    "list": list_,
    "watch": watch_,
    "create": create_,
    "update": update_,
    "patch": patch_,
    "delete": delete_,
    "deletecollection": deletecollection,
}
