"""From the bytes of a request to an object of the kind expected: codec, schema, defaults."""

from __future__ import annotations

from typing import Any

import orjson

from cluster.apiserver.registry.options import WriteOptions
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context
from cluster.kinds.kind import Kind
from cluster.meta import errors
from cluster.meta.errors import Reason, StatusError
from cluster.meta.types import Obj

JSON_TYPES = frozenset(("application/json", "", "*/*"))


def media_type(ctx: Context) -> str:
    return ctx.request.headers.get("content-type", "").partition(";")[0].strip().lower()


def raw_object(ctx: Context) -> Obj:
    """The body as a dict. Raises 400, 415."""
    return decode_bytes(ctx.request.body, media_type(ctx))


def decode_bytes(body: bytes, content_type: str) -> Obj:
    if content_type in JSON_TYPES:
        try:
            obj = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise errors.bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    else:
        obj = _other(body, content_type)
    if not isinstance(obj, dict):
        raise errors.bad_request("couldn't get version/kind; json parse error: the body is no object")
    return obj


def _other(body: bytes, content_type: str) -> Any:
    if content_type in ("application/yaml", "application/x-yaml", "text/yaml"):
        import yaml

        try:
            return yaml.load(body, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as error:
            raise errors.bad_request(f"error converting YAML to JSON: {error}") from None
    raise errors.unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


def expect_kind(obj: Obj, kind: Kind) -> None:
    """The object is of the kind the URL names; apiVersion and kind may be left out. Raises 400."""
    api_version, name = obj.get("apiVersion") or "", obj.get("kind") or ""
    if (api_version and api_version != kind.api_version) or (name and name != kind.kind):
        given = f"{api_version or kind.api_version}, Kind={name or kind.kind}"
        wanted = f"{kind.api_version}, Kind={kind.kind}"
        if api_version and api_version != kind.api_version and name in ("", kind.kind):
            raise errors.bad_request(
                f"the API version in the data ({api_version}) does not match the expected API version ({kind.api_version})"
            )
        raise StatusError(
            400,
            Reason.BAD_REQUEST,
            f"{kind.kind} in version {kind.version!r} cannot be handled as a {kind.kind}: "
            f"converting ({given}) to ({wanted}): unknown conversion".replace("'", '"'),
        )
    obj["apiVersion"], obj["kind"] = kind.api_version, kind.kind
    if not isinstance(obj.get("metadata"), dict):
        obj["metadata"] = {}


def incoming(ctx: Context, registry: Registry, options: WriteOptions) -> Obj:
    """The object of a create or update: checked against its schema and defaulted."""
    return digest(registry, raw_object(ctx), options)


def digest(registry: Registry, obj: Obj, options: WriteOptions) -> Obj:
    """Schema and defaults of a decoded object. Raises 400."""
    kind = registry.kind
    expect_kind(obj, kind)
    obj = _checked(registry, obj, options)
    if not isinstance(obj.get("metadata"), dict):
        obj["metadata"] = {}
    kind.strategy.default(obj)
    return obj


def _checked(registry: Registry, obj: Obj, options: WriteOptions) -> Obj:
    """The object as its types hold it. Unknown fields are refused, warned of or dropped, as the client wishes."""
    from cluster.kinds.schema import DecodeFault

    kind = registry.kind
    try:
        decoded = registry.services.schema.decode_kind(kind, obj)
    except DecodeFault as fault:
        raise errors.bad_request(
            f"{kind.kind} in version {kind.version!r} cannot be handled as a {kind.kind}: {fault}".replace("'", '"')
        ) from None
    if decoded.unknown and options.validation == "Strict":
        listed = ", ".join(f'unknown field "{path}"' for path in decoded.unknown)
        raise errors.bad_request(f"strict decoding error: {listed}")
    if decoded.unknown and options.validation == "Warn":
        for path in decoded.unknown:
            options.warn(f'unknown field "{path}"')
    return decoded.obj
