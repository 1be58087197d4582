"""Says of plain schemas that values keep them, without the validator: most charts, most of the time.

`surely_valid` is true only when the schema is well formed as far as it goes and every value fits. Whatever it does not
know, and every fault, is left to `schema`, which decides and finds the words; that module and what it imports are
then not needed in the good case. Nothing here makes messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pyhelm.chart.model import Chart

__all__ = ["all_surely_valid", "surely_valid"]

_LATEST = frozenset({"", "http://json-schema.org/schema", "https://json-schema.org/schema"})
"""Names for the newest draft."""
_DRAFTS = _LATEST | frozenset({
    "http://json-schema.org/draft-06/schema", "http://json-schema.org/draft-07/schema",
    "https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema",
})  # fmt: skip
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "integer": lambda v: not isinstance(v, bool) and (isinstance(v, int) or (isinstance(v, float) and v.is_integer())),
}
_MAX_DEPTH = 60


class _Unsure(Exception):
    """Something the validator has to decide."""


def all_surely_valid(chart: Chart, values: dict[str, Any]) -> bool:
    """Whether the values of a chart and of its subcharts surely keep their schemas."""
    if chart.schema is not None and not surely_valid(chart.schema, values):
        return False
    below = ((child, values.get(child.name)) for child in chart.dependencies)
    return all(all_surely_valid(child, own) for child, own in below if isinstance(own, dict))


def surely_valid(schema_text: bytes, values: Any) -> bool:
    """Whether `values` surely keep the schema. False says nothing but that the validator must look."""
    try:
        schema = json.loads(schema_text)
        if not isinstance(schema, dict) or str(schema.get("$schema", "")).rstrip("#") not in _DRAFTS:
            return False
        _well_formed(schema, 0)
        return _Quick(schema).valid(schema, values, 0)
    except (_Unsure, ValueError, RecursionError, KeyError, re.error):
        return False


def _must(condition: bool) -> None:
    if not condition:
        raise _Unsure


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)


def _is_type(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    known = all(isinstance(name, str) and name in _TYPES for name in names)
    return bool(names) and known and len(set(names)) == len(names)


def _is_plain_pattern(value: Any) -> bool:
    """A regular expression that every dialect reads alike."""
    if not isinstance(value, str) or not value.isascii():
        return False
    plain = re.fullmatch(r"(?:[\w \^$.*+\-\[\](){}|,/@:#%;=]|\\[.\-/dws])*", value)
    return plain is not None and bool(re.compile(value))


def _found(pattern: str, text: str) -> bool:
    """Patterns that may take Python's engine long, repeating groups or repeating often, are for RE2."""
    if len(text) <= 256 and not re.search(r"\)[*+{]", pattern) and len(re.findall(r"[*+{]", pattern)) <= 3:
        return re.search(pattern, text) is not None
    from pyhelm.formats.regexp import compile_regexp

    return compile_regexp(pattern).search(text) is not None


_is_number = _TYPES["number"]
_SHAPES: dict[str, Callable[[Any], bool]] = {
    "type": _is_type,
    "required": _is_names,
    "enum": lambda v: isinstance(v, list),
    "const": lambda v: True,
    "minimum": _is_number,
    "maximum": _is_number,
    "exclusiveMinimum": _is_number,
    "exclusiveMaximum": _is_number,
    "minLength": _is_count,
    "maxLength": _is_count,
    "minItems": _is_count,
    "maxItems": _is_count,
    "minProperties": _is_count,
    "maxProperties": _is_count,
    "uniqueItems": lambda v: isinstance(v, bool),
    "pattern": _is_plain_pattern,
    "$ref": lambda v: isinstance(v, str) and (v == "#" or v.startswith("#/")) and "%" not in v,
    "$schema": lambda v: isinstance(v, str),
    "title": lambda v: isinstance(v, str),
    "description": lambda v: isinstance(v, str),
    "$comment": lambda v: isinstance(v, str),
    "default": lambda v: True,
    "examples": lambda v: isinstance(v, list),
    "readOnly": lambda v: isinstance(v, bool),
    "writeOnly": lambda v: isinstance(v, bool),
    "deprecated": lambda v: isinstance(v, bool),
    "format": lambda v: isinstance(v, str),
}
_NAMED = frozenset({"properties", "definitions", "$defs"})
_SINGLE = frozenset({"additionalProperties", "items", "not"})
_SEVERAL = frozenset({"anyOf", "oneOf", "allOf"})
_LEFT_TO_THE_VALIDATOR = frozenset({
    "$id", "id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary",
    "additionalItems", "contains", "contentEncoding", "contentMediaType", "contentSchema", "dependencies",
    "dependentRequired", "dependentSchemas", "else", "if", "maxContains", "minContains", "multipleOf",
    "patternProperties", "prefixItems", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
})  # fmt: skip


def _well_formed(schema: Any, depth: int) -> None:
    """Every keyword, used or not, has the shape its meta-schema asks for. Words that are no keywords are skipped."""
    if isinstance(schema, bool):
        return
    _must(isinstance(schema, dict) and depth < _MAX_DEPTH)
    for word, value in schema.items():
        shape = _SHAPES.get(word)
        if shape is not None:
            _must(shape(value))
        elif word in _NAMED:
            _must(isinstance(value, dict))
            for below in value.values():
                _well_formed(below, depth + 1)
        elif word in _SINGLE:
            _well_formed(value, depth + 1)
        elif word in _SEVERAL:
            _must(isinstance(value, list) and bool(value))
            for below in value:
                _well_formed(below, depth + 1)
        else:
            _must(word not in _LEFT_TO_THE_VALIDATOR)


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, (dict, list)) or isinstance(two, (dict, list)):
        raise _Unsure
    return type(one) is type(two) and one == two if isinstance(one, bool) or isinstance(two, bool) else bool(one == two)


class _Quick:
    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        draft = str(root.get("$schema", "")).rstrip("#")
        self.siblings_count = draft in _LATEST or "/draft/" in draft
        """Whether words beside `$ref` count: from 2019 on."""

    def valid(self, schema: Any, value: Any, depth: int) -> bool:
        if isinstance(schema, bool):
            return schema
        _must(depth < _MAX_DEPTH)
        if "$ref" in schema:
            found = self.valid(self.pointed(schema["$ref"]), value, depth + 1)
            if not found or not self.siblings_count:
                return found
        return self.fits(schema, value) and self.combined(schema, value, depth) and self.inner(schema, value, depth)

    def pointed(self, ref: str) -> Any:
        found: Any = self.root
        for step in ref[2:].split("/") if len(ref) > 1 else []:
            _must(isinstance(found, dict))
            found = found[step.replace("~1", "/").replace("~0", "~")]
        _must(isinstance(found, (dict, bool)))
        _well_formed(found, 0)
        return found

    def fits(self, schema: dict[str, Any], value: Any) -> bool:
        """The words that look at the value alone."""
        kind = schema.get("type")
        if kind is not None and not any(_TYPES[name](value) for name in (kind if isinstance(kind, list) else [kind])):
            return False
        if "enum" in schema and not any(_equal(value, item) for item in schema["enum"]):
            return False
        if "const" in schema and not _equal(value, schema["const"]):
            return False
        if isinstance(value, str):
            return self.text(schema, value)
        if _is_number(value):
            return self.number(schema, value)
        return True

    def text(self, schema: dict[str, Any], value: str) -> bool:
        _must("format" not in schema or self.siblings_count)
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            return False
        _must("pattern" not in schema or (value.isascii() and not value.endswith("\n")))
        return "pattern" not in schema or _found(schema["pattern"], value)

    def number(self, schema: dict[str, Any], value: float) -> bool:
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if not low <= value <= high:
            return False
        if "exclusiveMinimum" in schema and not value > schema["exclusiveMinimum"]:
            return False
        return "exclusiveMaximum" not in schema or bool(value < schema["exclusiveMaximum"])

    def combined(self, schema: dict[str, Any], value: Any, depth: int) -> bool:
        for word, enough in (("allOf", all), ("anyOf", any)):
            if word in schema and not enough([self.valid(s, value, depth + 1) for s in schema[word]]):
                return False
        if "oneOf" in schema and sum(self.valid(s, value, depth + 1) for s in schema["oneOf"]) != 1:
            return False
        return "not" not in schema or not self.valid(schema["not"], value, depth + 1)

    def inner(self, schema: dict[str, Any], value: Any, depth: int) -> bool:
        if isinstance(value, dict):
            return self.mapping(schema, value, depth)
        if not isinstance(value, list):
            return True
        _must(not schema.get("uniqueItems") or len(value) < 2)
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return False
        items = schema.get("items", True)
        return all(self.valid(items, item, depth + 1) for item in value)

    def mapping(self, schema: dict[str, Any], value: dict[str, Any], depth: int) -> bool:
        if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
            return False
        if not all(name in value for name in schema.get("required", ())):
            return False
        known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
        return all(self.valid(known.get(name, other), item, depth + 1) for name, item in value.items())
