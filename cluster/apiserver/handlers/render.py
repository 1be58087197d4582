"""From entries and statuses to responses, in the shape and codec the client wants."""

from __future__ import annotations

import gzip
from typing import Any

import orjson

from cluster.apiserver.codecs.body import internal_package
from cluster.apiserver.codecs.encode import encode, encode_json
from cluster.apiserver.codecs.media import negotiate
from cluster.apiserver.handlers import tables
from cluster.apiserver.handlers.accept import JSON, Wanted, pretty
from cluster.apiserver.http.messages import Response
from cluster.apiserver.registry.entry import Entry, head
from cluster.apiserver.registry.read import Page
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context
from cluster.kinds.kind import Kind
from cluster.meta.errors import StatusError, not_acceptable
from cluster.meta.types import Obj

GZIP_FROM = 128 * 1024
"""Bytes from which an answer is compressed for clients that accept it."""


def answer(ctx: Context, obj: Obj, wanted: Wanted, status: int = 200, schema: Any = None) -> Response:
    """Any object; `schema` is needed for protobuf answers of typed objects."""
    if ctx.audit and wanted.media != JSON:
        ctx.audit.responded(obj)
    return finish(ctx, encode(obj, wanted, schema), wanted.content_type, status)


def created(ctx: Context, obj: Obj, wanted: Wanted) -> Response:
    """What was asked for as an object and is not stored, whole or as its metadata."""
    return answer(ctx, tables.partial(obj, wanted.version) if wanted.transform else obj, wanted, 201)


def finish(ctx: Context, body: bytes, media_type: str, status: int = 200) -> Response:
    """The response with warnings, compressed when large and asked for."""
    response = Response(status, body, media_type)
    if len(body) >= GZIP_FROM and "gzip" in ctx.request.headers.get("accept-encoding", ""):
        response.body = gzip.compress(body, 1)
        response.headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
    return response


def one(ctx: Context, registry: Registry, entry: Entry, wanted: Wanted, status: int = 200) -> Response:
    """One object."""
    if not wanted.transform:
        if wanted.media == JSON and not wanted.pretty:
            return finish(ctx, b"%b%b\n" % (registry.head, registry.tail(entry)), JSON, status)
        return answer(ctx, whole(registry, entry), wanted, status, registry.services.schema)
    obj = registry.present(entry)
    if wanted.transform == "Table":
        meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        include = tables.include_object(ctx.query.get("includeObject"))
        return answer(ctx, tables.table(registry, [entry], wanted.version, meta, include), wanted, status)
    if wanted.transform != "PartialObjectMetadata":
        raise not_acceptable(
            f"you requested {wanted.transform}, but the requested object is not a list ({_go_type(registry.kind)})"
        )
    return answer(ctx, tables.partial(obj, wanted.version), wanted, status)


def _go_type(kind: Kind, suffix: str = "") -> str:
    """A kind's type as the API server calls it, in its messages too."""
    if kind.schema is not None:
        return f"*unstructured.Unstructured{suffix}"
    return f"*{internal_package(kind.group)}.{kind.kind}{suffix}"


def whole(registry: Registry, entry: Entry) -> Obj:
    obj = registry.present(entry)
    return {"kind": registry.kind.kind, "apiVersion": registry.kind.api_version} | {
        k: v for k, v in obj.items() if k not in ("kind", "apiVersion")
    }


def many(ctx: Context, registry: Registry, page: Page, wanted: Wanted) -> Response:
    """A list."""
    meta: dict[str, Any] = {"resourceVersion": str(page.revision)}
    if page.continue_token:
        meta["continue"] = page.continue_token
    if page.remaining:
        meta["remainingItemCount"] = page.remaining
    if wanted.transform == "Table":
        include = tables.include_object(ctx.query.get("includeObject"))
        return answer(ctx, tables.table(registry, page.entries, wanted.version, meta, include), wanted)
    if wanted.transform:
        if wanted.transform != "PartialObjectMetadataList":
            kind_of = _go_type(registry.kind, "List")
            raise not_acceptable(f"you requested {wanted.transform}, but the requested object is a list ({kind_of})")
        items = [tables.partial(registry.present(e), wanted.version) for e in page.entries] or None
        return answer(ctx, _list("PartialObjectMetadataList", f"meta.k8s.io/{wanted.version}", meta, items), wanted)
    kind = registry.kind
    if not kind.definition:
        # Lists of custom resources are untyped, so that an empty token is written too.
        meta.setdefault("continue", "")
    if wanted.media == JSON and not wanted.pretty:
        return finish(ctx, _joined(registry, page, meta), JSON)
    items = [whole(registry, e) if _typed_items(registry) else _bare(registry, e) for e in page.entries]
    found = _list(kind.list_kind, kind.api_version, meta, items)
    return answer(ctx, found, wanted, schema=registry.services.schema)


def _list(kind: str, api_version: str, meta: dict[str, Any], items: list[Any] | None) -> Obj:
    return {"kind": kind, "apiVersion": api_version, "metadata": meta, "items": items}


def _bare(registry: Registry, entry: Entry) -> Obj:
    return {k: v for k, v in registry.present(entry).items() if k not in ("kind", "apiVersion")}


def _typed_items(registry: Registry) -> bool:
    """Items of a custom resource's list carry their kind; those of a built-in one do not."""
    return registry.kind.schema is not None or not registry.kind.definition


def _joined(registry: Registry, page: Page, meta: dict[str, Any]) -> bytes:
    """The list as bytes: the entries' shared bytes, joined."""
    kind = registry.kind
    before = registry.head if _typed_items(registry) else b"{"
    start = b'%b"metadata":%b,"items":[' % (head(kind.api_version, kind.list_kind), orjson.dumps(meta))
    if not page.entries:
        return start + b"]}\n"
    tail = registry.tail if registry.converts else None
    tails = [e.tail for e in page.entries] if tail is None else [tail(e) for e in page.entries]
    return b"".join((start, before, (b"," + before).join(tails), b"]}\n"))


def failure(ctx: Context | None, error: StatusError, accept: str = "") -> Response:
    """A Status; in the codec asked for when that is one of ours, else JSON."""
    response = Response(error.code, encode_json(error.status(), ctx is not None and pretty(ctx)))
    if "yaml" in accept or "protobuf" in accept:
        wanted = Wanted(_media_of(accept))
        response.body, response.content_type = encode(error.status(), wanted), wanted.content_type
    seconds = (error.details or {}).get("retryAfterSeconds")
    if seconds:
        response.headers.append(("Retry-After", str(seconds)))
    return response


def _media_of(accept: str) -> str:
    try:
        return negotiate(accept, transforms=()).media
    except StatusError:
        return JSON


def internal_error(ctx: Context, why: str) -> Response:
    """A failure before there is a resource to speak of."""
    from json import dumps

    request = ctx.request
    uri = f"{request.path}?{request.query}" if request.query else request.path
    text = f"Internal Server Error: {dumps(uri)}: {why}\n"
    return Response(500, text.encode(), "text/plain; charset=utf-8", [("X-Content-Type-Options", "nosniff")])


def success(details: dict[str, Any], code: int = 0) -> Obj:
    """A Status of success."""
    out: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    if code:
        out["code"] = code
    return out
