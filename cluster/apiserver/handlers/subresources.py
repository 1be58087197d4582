"""Subresources that store into their parent or act on it: status, scale, binding, eviction, finalize, token."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.admission.interface import Operation
from cluster.apiserver.handlers import body, patch, render, tables
from cluster.apiserver.handlers.accept import Wanted, uncolumned, wanted_by
from cluster.apiserver.handlers.resources import put, write_options_of
from cluster.apiserver.handlers.router import nothing_here
from cluster.apiserver.http.messages import Response
from cluster.apiserver.registry import fields
from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.metadata import place_in_namespace
from cluster.apiserver.registry.options import WriteOptions
from cluster.apiserver.registry.read import get_entry
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.scale import identify, scale_of, with_replicas
from cluster.apiserver.registry.update import Change, update
from cluster.apiserver.registry.writing import attributes
from cluster.apiserver.request import Context
from cluster.meta.types import GroupVersionKind, GroupVersionResource, Obj

SCALE = GroupVersionKind("autoscaling", "v1", "Scale")
BINDING = GroupVersionKind("", "v1", "Binding")
TOKEN_REQUEST = GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest")


def _eviction_kind(ctx: Context) -> GroupVersionKind:
    """Old clients still send the beta version."""
    beta = b"policy/v1beta1" in ctx.request.body
    return GroupVersionKind("policy", "v1beta1" if beta else "v1", "Eviction")


async def status(ctx: Context, registry: Registry) -> Response:
    """Subresources that speak the parent's kind: status, ephemeralcontainers, resize, approval, finalize."""
    sub = registry.kind.subresource(ctx.info.subresource)
    if sub is None:
        raise nothing_here()
    wanted = wanted_by(ctx, registry)
    if ctx.info.verb == "get":
        entry = await get_entry(registry, ctx.info.namespace, ctx.info.name)
        return render.one(ctx, registry, entry, wanted)
    if ctx.info.verb == "patch":
        return await patch.handle(ctx, registry, sub)
    options = write_options_of(ctx, "UpdateOptions")
    obj = body.incoming(ctx, registry, options)
    entry, _ = await put(registry, ctx.info.namespace, ctx.info.name, obj, options, sub)
    return render.one(ctx, registry, entry, wanted)


async def scale(ctx: Context, registry: Registry) -> Response:
    """The Scale view of a workload."""
    sub = registry.kind.subresource("scale")
    if sub is None:
        raise nothing_here()
    wanted = wanted_by(ctx, registry)
    namespace, name = ctx.info.namespace, ctx.info.name
    if ctx.info.verb == "get":
        entry = await get_entry(registry, namespace, name)
        return _shown_scale(ctx, registry, scale_of(registry, registry.present(entry), sub), wanted)
    if ctx.info.verb == "patch" and body.media_type(ctx) == patch.APPLY:
        from cluster.apiserver.handlers import apply

        entry = await apply.scale(ctx, registry, patch.patch_options(ctx, patch.APPLY), sub)
        return render.answer(ctx, scale_of(registry, registry.present(entry), sub), wanted)
    options = write_options_of(ctx, "PatchOptions" if ctx.info.verb == "patch" else "UpdateOptions")
    change_scale = _scale_change(ctx, registry, options)

    async def transform(current: Obj) -> Obj:
        wanted_scale = change_scale(scale_of(registry, current, sub, strict=False))
        return with_replicas(registry, current, wanted_scale, sub, name)

    entry = await update(registry, namespace, name, Change(transform, subresource=sub), options)
    return render.answer(ctx, scale_of(registry, registry.present(entry), sub), wanted)


def _shown_scale(ctx: Context, registry: Registry, found: Obj, wanted: Wanted) -> Response:
    """Scale is printed with columns of its own, whatever it is the scale of."""
    if wanted.transform != "Table":
        return render.answer(ctx, found, wanted)
    from cluster.kinds.autoscaling.scale import KIND

    include = tables.include_object(ctx.query.get("includeObject"))
    layout = KIND.table or tables.PLAIN
    return render.answer(ctx, tables.table_of(registry, found, layout, wanted.version, include), wanted)


def _scale_change(ctx: Context, registry: Registry, options: WriteOptions) -> Any:
    if ctx.info.verb == "patch":
        if ctx.audit:
            ctx.audit.patched(ctx.request.body)
        return patch.patcher_for(registry, body.media_type(ctx), ctx.request.body)
    given = body.spoken(ctx, registry, SCALE, options)
    identify(registry, given, ctx.info.namespace, ctx.info.name)

    def replace(_: Obj) -> Obj:
        return given

    return replace


async def binding(ctx: Context, registry: Registry) -> Response:
    """pods/NAME/binding and bindings: the scheduler's decision."""
    wanted = uncolumned(ctx)
    options = write_options_of(ctx, "CreateOptions")
    given = body.spoken(ctx, registry, BINDING, options)
    name = ctx.info.name or (given.get("metadata") or {}).get("name") or ""
    pods = registry.services.kinds.by_gvr(GroupVersionResource("", "v1", "pods"))
    if pods is None:
        raise nothing_here()
    await bind(Registry(pods, registry.services), ctx.info.namespace, name, given, options)
    return render.answer(ctx, _created(), wanted, 201)


def _created() -> Obj:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def bind(registry: Registry, namespace: str, name: str, given: Obj, options: Any) -> Entry:
    """Assign a pod to a node. Raises 400, 404, 409, 422."""
    from cluster.apiserver.registry.binding import assign, check

    check(given, name)

    async def transform(pod: Obj) -> Obj:
        return assign(registry, pod, given)

    change = Change(transform, tracked=False, mutate=False, subresource=_binding_sub(registry))
    return await update(registry, namespace, name, change, options)


def _binding_sub(registry: Registry) -> Any:
    from cluster.apiserver.registry.binding import SUBRESOURCE

    return SUBRESOURCE


async def eviction(ctx: Context, registry: Registry) -> Response:
    """Delete a pod unless a disruption budget forbids it."""
    from cluster.apiserver.registry.eviction import evict

    wanted = uncolumned(ctx)
    options = write_options_of(ctx, "CreateOptions")
    given = body.spoken(ctx, registry, _eviction_kind(ctx), options)
    await evict(registry, ctx.info.namespace, ctx.info.name, given, options)
    return render.answer(ctx, _created(), wanted, 201)


async def token(ctx: Context, registry: Registry) -> Response:
    """serviceaccounts/NAME/token: a bound token."""
    if "tokens" not in registry.services.extras:
        raise nothing_here()
    wanted = uncolumned(ctx)
    options = write_options_of(ctx, "CreateOptions")
    given = body.spoken(ctx, registry, TOKEN_REQUEST, options)
    out = await issue_token(registry, ctx.info.namespace, ctx.info.name, given, options)
    return render.created(ctx, out, wanted)


async def issue_token(registry: Registry, namespace: str, name: str, request: Obj, options: WriteOptions) -> Obj:
    """A TokenRequest with its token. Raises StatusError."""
    from cluster.apiserver.authn.token_requests import USUAL, issue, prepare
    from cluster.kinds.authentication.tokenrequest import KIND

    services = registry.services
    issuer, objects = services.extras["tokens"], services.feed
    request.pop("status", None)
    given = {field: value for field, value in (request.get("spec") or {}).items() if value is not None}
    request["spec"] = {"expirationSeconds": USUAL} | given
    place_in_namespace(request, registry.kind, namespace)
    fields.track_as(KIND, services, request, None, options, "token")
    about = attributes(registry, Operation.CREATE, namespace, name, request, None, options, "token")
    about.spoken = KIND.gvk
    await services.admission.mutate(about)
    account = prepare(issuer, objects, namespace, name, request)
    await services.admission.validate(about)
    return issue(issuer, objects, account, request, options.warn)
