"""From the bytes of a request to an object of the kind expected: codec, schema, defaults."""

from __future__ import annotations

from collections.abc import Sequence

from cluster.apiserver.codecs.body import Target, decode_body
from cluster.apiserver.registry.options import WriteOptions
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context
from cluster.kinds.kind import Kind
from cluster.meta import errors
from cluster.meta.types import GroupVersionKind, Obj

_DELETE_OPTIONS = GroupVersionKind("meta.k8s.io", "v1", "DeleteOptions")
_DELETE_DEFINITION = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"


def media_type(ctx: Context) -> str:
    return ctx.request.headers.get("content-type", "").partition(";")[0].strip().lower()


def incoming(ctx: Context, registry: Registry, options: WriteOptions) -> Obj:
    """The object of a create or update: decoded, checked against its schema and defaulted. Raises 400, 415."""
    obj = read(ctx, registry, Target.of(registry.kind), options)
    registry.kind.strategy.default(obj)
    if ctx.audit:
        ctx.audit.requested(obj)
    return obj


def spoken(ctx: Context, registry: Registry, gvk: GroupVersionKind, options: WriteOptions) -> Obj:
    """The body of a subresource that speaks another kind (Scale, Eviction, Binding). Raises 400, 415."""
    schema = registry.services.schema
    # A beta version that is no longer described (policy/v1beta1 Eviction) has the shape of its successor.
    definition = schema.definition_of(gvk) or schema.definition_of(gvk._replace(version="v1")) or ""
    target = Target(gvk, definition)
    obj = read(ctx, registry, target, options)
    if ctx.audit:
        ctx.audit.requested(obj)
    return obj


def read(ctx: Context, registry: Registry, target: Target, options: WriteOptions) -> Obj:
    content_type = ctx.request.headers.get("content-type", "")
    found = decode_body(ctx.request.body, content_type, target, registry.services.schema, options.validation)
    for text in found.warnings:
        options.warn(text)
    obj = found.obj
    if not isinstance(obj.get("metadata"), dict):
        obj["metadata"] = {}
    return obj


def delete_body(ctx: Context, registry: Registry) -> Obj | None:
    """DeleteOptions, None where there are none. Raises 400, 415."""
    if not ctx.request.body.strip():
        return None
    target = Target(_DELETE_OPTIONS, _DELETE_DEFINITION, plain=True)
    content_type = ctx.request.headers.get("content-type", "")
    return decode_body(ctx.request.body, content_type, target, registry.services.schema).obj


def digest(registry: Registry, obj: Obj, options: WriteOptions, blamed: Sequence[str] = ()) -> Obj:
    """A dict that came by another way (a patch's result, a client in this process): schema and defaults. `blamed` are
    strict faults found before. Raises 400."""
    from cluster.kinds.schema import DecodeFault

    kind = registry.kind
    try:
        decoded = registry.services.schema.decode_kind(kind, obj)
    except DecodeFault as fault:
        raise Misfit(kind, str(fault), fault.converted) from None
    faults = [*blamed, *(f'unknown field "{path}"' for path in decoded.unknown)]
    if faults and options.validation == "Strict":
        raise Misfit(kind, f"strict decoding error: {', '.join(faults)}", strict=True)
    if options.validation == "Warn":
        for text in faults:
            options.warn(text)
    out: Obj = decoded.obj
    out["apiVersion"], out["kind"] = kind.api_version, kind.kind
    if not isinstance(out.get("metadata"), dict):
        out["metadata"] = {}
    kind.strategy.default(out)
    return out


class Misfit(errors.StatusError):
    """400: the object does not fit its kind's schema; `why` without the sentence around it, `converted` the same in
    the words that strategic merge patches are refused with, `strict` says that only strict reading refuses it."""

    def __init__(self, kind: Kind, why: str, converted: str = "", *, strict: bool = False) -> None:
        text = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}'
        super().__init__(400, errors.Reason.BAD_REQUEST, text)
        self.why = why
        self.converted = converted or why
        self.strict = strict
