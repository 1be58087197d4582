"""Structural schemas as CEL sees them: the type and the greatest size of a value, and the value as its type wants it.

Sizes that a schema does not limit are limited by what fits into a request.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.meta.cel.parser import KEYWORDS
from cluster.meta.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Type,
    list_of,
    map_of,
    object_of,
)
from cluster.meta.cel.values import EvalError, parse_duration, parse_timestamp

Schema = Mapping[str, Any]
REQUEST = 3 * 1024 * 1024
"""The greatest size of a request that sizes are reckoned from."""
_TIMES = {"duration": (DURATION, 32, 3), "date": (TIMESTAMP, 12, 12), "date-time": (TIMESTAMP, 32, 21)}
_STRING: Schema = {"type": "string"}
_OWN: Schema = {
    "apiVersion": _STRING,
    "kind": _STRING,
    "metadata": {"type": "object", "properties": {"name": _STRING, "generateName": _STRING}},
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What CEL knows of the values of a schema: `most` elements (characters, items, entries), `least` bytes of JSON.
    `parts` are the shapes of fields by their escaped names, or of `@items`, `@keys` and `@values`."""

    type: Type
    most: int = 0
    least: int = 0
    parts: Mapping[str, Shape] = field(default_factory=dict)

    def size_at(self, way: list[str]) -> int | None:
        """The greatest size at the end of a path that begins with a variable's name."""
        here: Shape | None = self
        for step in way[1:]:
            here = here.parts.get(step) if here is not None else None
        return here.most if here is not None else None


def shape_of(schema: Schema, root: bool = False, name: str = "selfType") -> Shape | None:
    """The shape of a schema, None where CEL does not see such values; `root` adds what every object has."""
    if schema.get("x-kubernetes-int-or-string"):
        longest = schema.get("maxLength")
        return Shape(DYN, REQUEST - 2 if longest is None else max(longest, 0) * 4, 1)
    kind = "object" if root else schema.get("type")
    if kind == "object":
        return _object(schema, root, name)
    if kind == "array":
        return _array(schema, name)
    if kind == "string":
        return _string(schema)
    return _SCALARS.get(str(kind))


_SCALARS = {"integer": Shape(INT, 0, 1), "number": Shape(DOUBLE, 0, 1), "boolean": Shape(BOOL, 0, 4)}


def _embedded(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-embedded-resource"))


def _array(schema: Schema, name: str) -> Shape | None:
    items = schema.get("items")
    held = shape_of(items, _embedded(items), f"{name}.@idx") if isinstance(items, Mapping) else None
    if held is None:
        return None
    limit = schema.get("maxItems")
    most = (REQUEST - 2) // (held.least + 1) if limit is None else max(limit, 0)
    return Shape(list_of(held.type), most, 2, {"@items": held, "@values": held})


def _object(schema: Schema, root: bool, name: str) -> Shape | None:
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping) and not root:
        return _map(schema, extra, name)
    properties = dict(schema.get("properties") or {})
    if root and not _says_its_own(properties):
        properties |= _OWN
    needed, least = set(schema.get("required") or ()), 2
    parts: dict[str, Shape] = {}
    for key, child in properties.items():
        held = shape_of(child, _embedded(child), f"{name}.{escape(key)}")
        if held is None:
            continue
        if escape(key):
            parts[escape(key)] = held
        if key in needed and child.get("default") is None:
            least += len(key.encode()) + held.least + 4
    return Shape(object_of(name, {key: held.type for key, held in parts.items()}), 0, least, parts)


def _says_its_own(properties: Mapping[str, Schema]) -> bool:
    """Whether a schema has all that every object has, and so the last word on it."""
    meta = properties.get("metadata") or {}
    named = meta.get("properties") or {}
    texts = (properties.get("kind"), properties.get("apiVersion"), named.get("name"), named.get("generateName"))
    return meta.get("type") == "object" and all((held or {}).get("type") == "string" for held in texts)


def _map(schema: Schema, extra: Schema, name: str) -> Shape | None:
    held = shape_of(extra, _embedded(extra), f"{name}.@elem")
    if held is None:
        return None
    limit = schema.get("maxProperties")
    most = (REQUEST - 2) // (held.least + 6) if limit is None else max(limit, 0)
    return Shape(map_of(held.type), most, 2, {"@keys": Shape(STRING, 0, 2), "@values": held, "@items": held})


def _string(schema: Schema) -> Shape:
    style, limit = str(schema.get("format")), schema.get("maxLength")
    if style in _TIMES:
        return Shape(*_TIMES[style])
    if style == "byte":
        return Shape(BYTES, REQUEST - 2 if limit is None else max(limit, 0), 2)
    if limit is not None:
        return Shape(STRING, max(limit, 0) * 4, 2)
    values = schema.get("enum") or ()
    longest = max((len(v.encode()) for v in values if isinstance(v, str)), default=0)
    return Shape(STRING, longest if values else REQUEST - 2, 2)


_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_ESCAPED = re.compile(r"__|[.\-/]|[^A-Za-z0-9_]")


def escape(name: str) -> str:
    """The name under which an expression reaches a property; empty where it cannot."""
    if name in KEYWORDS:
        return f"__{name}__"
    if not name or name[0] in "0123456789":
        return ""
    pieces = _ESCAPED.findall(name)
    if any(piece not in _ESCAPES for piece in pieces):
        return ""
    return _ESCAPED.sub(lambda found: _ESCAPES[found.group()], name)


def value_of(value: Any, schema: Schema) -> Any:
    """A wire value as its type wants it: numbers as such, times parsed, nulls that mean nothing left out."""
    if isinstance(value, dict):
        return _fields(value, schema)
    if isinstance(value, list):
        items = schema.get("items")
        return [value_of(item, items) for item in value] if isinstance(items, Mapping) else value
    if isinstance(value, str) and schema.get("format"):
        return _text(value, str(schema["format"]))
    if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if schema.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _fields(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
    out = {}
    for name, held in value.items():
        child = properties.get(name, extra)
        if not isinstance(child, Mapping):
            out[name] = held
        elif held is not None:
            out[name] = value_of(held, child)
    return out


def _text(value: str, shape: str) -> Any:
    try:
        if shape == "date-time":
            return parse_timestamp(value)
        if shape == "date":
            return parse_timestamp(f"{value}T00:00:00Z")
        if shape == "duration":
            return parse_duration(value)
        if shape == "byte":
            return base64.b64decode(value)
    except (EvalError, ValueError):
        return value
    return value
