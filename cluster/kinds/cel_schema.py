"""Structural schemas as CEL sees them: the type of a value, and the value as that type wants it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from cluster.meta.cel.parser import RESERVED
from cluster.meta.cel.types import BOOL, BYTES, DOUBLE, DYN, INT, STRING, Type, list_of, map_of
from cluster.meta.cel.values import EvalError, parse_duration, parse_timestamp

Schema = Mapping[str, Any]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = RESERVED | {"true", "false", "null", "in"}
_METADATA = Type("object", None, {"name": STRING, "generateName": STRING})
_OWN = {"apiVersion": STRING, "kind": STRING, "metadata": _METADATA}


def type_of(schema: Schema, root: bool = False) -> Type:
    """The type of values of a schema; `root` adds what every object has."""
    if schema.get("x-kubernetes-int-or-string"):
        return DYN
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, root)
    if kind == "array":
        items = schema.get("items")
        return list_of(type_of(items) if isinstance(items, Mapping) else DYN, schema.get("maxItems"))
    if kind == "string":
        return _string(schema)
    return {"integer": INT, "number": DOUBLE, "boolean": BOOL}.get(str(kind), DYN)


def _object(schema: Schema, root: bool) -> Type:
    extra, properties = schema.get("additionalProperties"), schema.get("properties") or {}
    if isinstance(extra, Mapping):
        return map_of(type_of(extra), schema.get("maxProperties"))
    embedded = root or schema.get("x-kubernetes-embedded-resource")
    if not properties and not embedded:
        keeps = schema.get("x-kubernetes-preserve-unknown-fields") or extra is True
        return DYN if keeps else Type("object", None, {})
    fields = {escape(name): type_of(child) for name, child in properties.items()}
    return Type("object", None, {**fields, **_OWN} if embedded else fields)


def _string(schema: Schema) -> Type:
    shape = schema.get("format")
    if shape in ("date", "date-time"):
        return Type("timestamp")
    if shape == "duration":
        return Type("duration")
    return BYTES if shape == "byte" else Type("string", most=_longest(schema))


def _longest(schema: Schema) -> int | None:
    if schema.get("maxLength") is not None:
        return int(schema["maxLength"])
    values = schema.get("enum")
    return max((len(str(v)) for v in values), default=0) if values else None


def escape(name: str) -> str:
    """The name under which an expression reaches a property."""
    if name in _WORDS:
        return f"__{name}__"
    if _NAME.fullmatch(name) and "__" not in name:
        return name
    out = name.replace("__", "__underscores__").replace(".", "__dot__")
    return out.replace("-", "__dash__").replace("/", "__slash__")


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
