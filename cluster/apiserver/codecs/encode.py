"""Answers: an object as bytes of the negotiated media type, and the frames of a watch."""

from __future__ import annotations

from typing import Any

import orjson

from cluster.apiserver.codecs import media
from cluster.apiserver.codecs.media import Accepted
from cluster.kinds.schema import Schema
from cluster.meta.types import Obj


def encode(obj: Obj, accepted: Accepted, schema: Schema | None = None) -> bytes:
    """One document. `schema` is needed for protobuf only; objects protobuf does not know become JSON inside its
    envelope. Raises nothing for JSON data."""
    if accepted.media == media.JSON:
        return encode_json(obj, accepted.pretty)
    if accepted.media == media.YAML:
        from cluster.apiserver.codecs import yaml_text

        return yaml_text.dumps(obj)
    if accepted.media == media.CBOR:
        from cluster.apiserver.codecs.cbor import dumps

        return dumps(obj)
    from cluster.apiserver.codecs.protobuf import encode_object

    return encode_object(obj, schema)


def encode_json(obj: Any, pretty: bool = False) -> bytes:
    """JSON with the trailing line feed of Go's encoder, which its indented form does not have."""
    return orjson.dumps(obj, option=orjson.OPT_INDENT_2 if pretty else orjson.OPT_APPEND_NEWLINE)


def json_frame(event: str, encoded: bytes) -> bytes:
    """A watch frame around an object that is JSON bytes already."""
    return b'{"type":"%b","object":%b}\n' % (event.encode(), encoded.rstrip(b"\n"))


def watch_frame(event: str, obj: Obj, accepted: Accepted, schema: Schema | None = None) -> bytes:
    """One frame of a watch: a JSON line, a length-delimited protobuf message, a CBOR item, or a YAML document."""
    if accepted.media == media.JSON:
        return json_frame(event, orjson.dumps(obj))
    if accepted.media == media.PROTOBUF:
        from cluster.apiserver.codecs.protobuf import encode_watch_event

        return encode_watch_event(event, obj, schema)
    if accepted.media == media.CBOR:
        from cluster.apiserver.codecs.cbor import dumps

        return dumps({"type": event, "object": obj})
    return b"---\n" + encode({"type": event, "object": obj}, accepted)
