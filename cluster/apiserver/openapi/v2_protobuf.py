"""OpenAPI v2 as gnostic's protobuf messages: what kubectl asks for where there is no v3.

Only the parts that the API server's documents use are written; field numbers are those of openapi.v2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from cluster.apiserver.codecs.protobuf_wire import FIXED64, VARINT, chunk, tag, varint, write_double

_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def encode(document: Mapping[str, Any]) -> bytes:
    """An openapi.v2.Document."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    paths = b"".join(chunk(2, _named(where, _path(item))) for where, item in document["paths"].items())
    schemas = b"".join(chunk(1, _named(name, _schema(item))) for name, item in document["definitions"].items())
    return _text(1, document["swagger"]) + chunk(2, info) + chunk(8, paths) + chunk(9, schemas)


def _text(number: int, value: str) -> bytes:
    return chunk(number, value.encode())


def _flag(number: int, value: bool) -> bytes:
    return tag(number, VARINT) + varint(int(value))


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + chunk(2, value)


def _any(value: Any) -> bytes:
    """An Any is told as YAML; JSON is YAML."""
    return _text(2, orjson.dumps(value).decode() + "\n")


def _extensions(number: int, value: Mapping[str, Any]) -> bytes:
    found = ((key, item) for key, item in value.items() if key.startswith("x-"))
    return b"".join(chunk(number, _named(key, _any(item))) for key, item in found)


def _path(item: Mapping[str, Any]) -> bytes:
    out = b"".join(chunk(number, _operation(item[name])) for name, number in _METHODS.items() if name in item)
    return out + b"".join(chunk(9, _parameter(each)) for each in item.get("parameters", ()))


def _operation(item: Mapping[str, Any]) -> bytes:
    out = _text(5, item["operationId"]) if "operationId" in item else b""
    out += b"".join(_text(6, each) for each in item.get("produces", ()))
    out += b"".join(_text(7, each) for each in item.get("consumes", ()))
    out += b"".join(chunk(8, _parameter(each)) for each in item.get("parameters", ()))
    answers = b"".join(chunk(1, _named(code, _answer(each))) for code, each in (item.get("responses") or {}).items())
    return out + chunk(9, answers) + _extensions(13, item)


def _answer(item: Mapping[str, Any]) -> bytes:
    schema = chunk(2, chunk(1, _schema(item["schema"]))) if item.get("schema") else b""
    return chunk(1, _text(1, item.get("description") or "") + schema)


def _parameter(item: Mapping[str, Any]) -> bytes:
    if item["in"] == "body":
        body = _text(2, item["name"]) + _text(3, "body") + _flag(4, item.get("required", False))
        return chunk(1, chunk(1, body + chunk(5, _schema(item["schema"]))))
    head = _flag(1, item.get("required", False)) + _text(2, item["in"]) + _text(4, item["name"])
    if item["in"] == "path":
        return chunk(1, chunk(2, chunk(4, head + _text(5, item["type"]))))
    return chunk(1, chunk(2, chunk(3, head + _text(6, item["type"]))))


def _schema(item: Mapping[str, Any]) -> bytes:
    out = [_text(number, item[key]) for key, number in _TEXTS if key in item]
    out += [tag(number, FIXED64) + write_double(float(item[key])) for key, number in _NUMBERS if key in item]
    out += [tag(number, VARINT) + varint(int(item[key])) for key, number in _COUNTS if key in item]
    if "default" in item:
        out.append(chunk(5, _any(item["default"])))
    out += [_text(19, name) for name in item.get("required", ())]
    out += [chunk(20, _any(value)) for value in item.get("enum", ())]
    extra = item.get("additionalProperties")
    if isinstance(extra, Mapping):
        out.append(chunk(21, chunk(1, _schema(extra))))
    elif isinstance(extra, bool):
        out.append(chunk(21, _flag(2, extra)))
    if "type" in item:
        out.append(chunk(22, _text(1, item["type"])))
    if isinstance(item.get("items"), Mapping):
        out.append(chunk(23, chunk(1, _schema(item["items"]))))
    out += [chunk(24, _schema(each)) for each in item.get("allOf", ())]
    if item.get("properties"):
        named = b"".join(chunk(1, _named(name, _schema(each))) for name, each in item["properties"].items())
        out.append(chunk(25, named))
    out.append(_extensions(31, item))
    return b"".join(out)


_TEXTS = (("$ref", 1), ("format", 2), ("title", 3), ("description", 4), ("pattern", 13))
_NUMBERS = (("multipleOf", 6), ("maximum", 7), ("minimum", 9))
_COUNTS = (
    ("exclusiveMaximum", 8), ("exclusiveMinimum", 10), ("maxLength", 11), ("minLength", 12), ("maxItems", 14),
    ("minItems", 15), ("uniqueItems", 16), ("maxProperties", 17), ("minProperties", 18),
)  # fmt: skip
