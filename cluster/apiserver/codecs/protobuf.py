"""Objects in protobuf: the `k8s\\0` envelope around a message, and watch frames.

The envelope (runtime.Unknown) names apiVersion and kind, by which the message is found. Malformed input is answered
with 400, an object that has no message with 406.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

import orjson

from cluster.apiserver.codecs.protobuf_messages import Codec, message_name
from cluster.apiserver.codecs.protobuf_wire import WireError, chunk, fields
from cluster.kinds.schema import Schema
from cluster.kinds.schema import schema as load_schema
from cluster.meta.errors import not_acceptable
from cluster.meta.types import GroupVersion, GroupVersionKind, Obj

MAGIC = b"k8s\x00"
_META = "k8s.io.apimachinery.pkg.apis.meta.v1."
_PARTIAL = frozenset(("PartialObjectMetadata", "PartialObjectMetadataList"))


@lru_cache(maxsize=2)
def codec(schema: Schema) -> Codec:
    return Codec(schema)


def message_of(gvk: GroupVersionKind, schema: Schema) -> str | None:
    """The message that carries a kind."""
    table = codec(schema).table
    definition = schema.definition_of(gvk)
    if definition is not None:
        name = message_name(definition)
        return name if name in table else None
    if gvk.group == "meta.k8s.io" and gvk.kind in _PARTIAL:
        return _META + gvk.kind
    short = gvk.group.partition(".")[0] or "core"
    for name in (f"k8s.io.api.{short}.{gvk.version}.{gvk.kind}", f"{_META}{gvk.kind}"):
        if name in table:
            return name
    return None


def decode_object(body: bytes, schema: Schema) -> Obj:
    """The wire dict of an enveloped object, apiVersion and kind included. Raises WireError."""
    if not body:
        raise WireError("empty data")
    if not body.startswith(MAGIC):
        raise WireError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    if body == MAGIC:
        raise WireError("empty body")
    return read_envelope(body, codec(schema), 0)


def read_envelope(body: bytes, messages: Codec, depth: int) -> Obj:
    """Raises WireError."""
    found: dict[int, Any] = {}
    for number, _, value in fields(body[len(MAGIC) :]):
        found[number] = value
    head, raw = found.get(1, b""), found.get(2, b"")
    if not isinstance(head, bytes) or not isinstance(raw, bytes):
        raise WireError("proto: wrong wireType for field Unknown")
    if found.get(3):
        raise WireError("proto: encoded content is not supported")
    version, kind = _type_meta(head)
    if found.get(4) == b"application/json":
        return _json_inside(raw)
    out: Obj = {"apiVersion": version, "kind": kind}
    try:
        group, parsed = GroupVersion.parse(version)
    except ValueError as error:
        raise WireError(str(error)) from error
    name = message_of(GroupVersionKind(group, parsed, kind), messages.schema)
    if name is not None:
        out.update(messages.message(name).read(raw, depth))
        out["apiVersion"], out["kind"] = version, kind
    return out


def _json_inside(raw: bytes) -> Obj:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise WireError(f"embedded JSON: {error}") from error
    if not isinstance(value, dict):
        raise WireError("embedded JSON is not an object")
    return value


def _type_meta(head: bytes) -> tuple[str, str]:
    texts = {number: value for number, _, value in fields(head) if isinstance(value, bytes)}
    return texts.get(1, b"").decode("utf-8", "replace"), texts.get(2, b"").decode("utf-8", "replace")


def encode_object(obj: Obj, schema: Schema | None = None) -> bytes:
    """An object in its envelope. Raises StatusError 406 when its kind has no message."""
    schema = schema or load_schema()
    version, kind = str(obj.get("apiVersion") or ""), str(obj.get("kind") or "")
    group, parsed = GroupVersion.parse(version)
    name = message_of(GroupVersionKind(group, parsed, kind), schema)
    if name is None:
        raise not_acceptable(
            f"object *{parsed}.{kind} does not implement the protobuf marshalling interface and cannot be encoded to "
            "a protobuf message"
        )
    raw = codec(schema).message(name).write(obj)
    head = chunk(1, version.encode()) + chunk(2, kind.encode())
    return MAGIC + chunk(1, head) + chunk(2, raw) + chunk(3, b"") + chunk(4, b"")


def encode_watch_event(event: str, obj: Obj, schema: Schema | None = None) -> bytes:
    """A watch frame: four bytes of length, then a bare WatchEvent."""
    raw = encode_object(obj, schema)
    body = chunk(1, event.encode()) + chunk(2, chunk(1, raw))
    return struct.pack(">I", len(body)) + body
