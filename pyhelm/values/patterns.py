"""Regular expressions of values schemas, matched by RE2 as Helm matches them.

A schema is as hostile as its chart: an expression that Python's engine would try for hours takes RE2 no time. What
RE2 does not know (lookaround, back references) is refused as Helm refuses it, before any value is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jsonschema import ValidationError
from jsonschema.validators import extend

from pyhelm.formats.regexp import RegexpError, compile_regexp

Way = tuple[tuple[str, ...], ...]
"""The pointers of the subschemas that lead to a place, outermost first."""

_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_SINGLES = (
    "additionalItems", "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_LISTS = ("allOf", "anyOf", "items", "oneOf", "prefixItems")


def bad_patterns(schema: Any, way: Way = ((),)) -> Iterator[tuple[Way, str, str, str]]:
    """(way to the subschema, keyword, expression, why it is none) for every expression that is refused."""
    if not isinstance(schema, dict) or len(way) > 500:
        return
    own = schema.get("pattern")
    named = schema.get("patternProperties")
    found = [("pattern", own)] if isinstance(own, str) else []
    found += [("patternProperties", name) for name in named] if isinstance(named, dict) else []
    for keyword, expression in found:
        if why := _fault(expression):
            yield way, keyword, expression, why
    for steps, below in _subschemas(schema):
        yield from bad_patterns(below, (*way, way[-1] + steps))


def _subschemas(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key in _MAPS:
        if isinstance(schema.get(key), dict):
            yield from (((key, name), below) for name, below in schema[key].items())
    for key in _SINGLES:
        yield (key,), schema.get(key)
    for key in _LISTS:
        if isinstance(schema.get(key), list):
            yield from (((key, str(index)), below) for index, below in enumerate(schema[key]))


def _fault(expression: str) -> str:
    try:
        compile_regexp(expression)
    except RegexpError as error:
        return str(error)
    return ""


def matches(expression: str, text: str) -> bool:
    """Whether the expression matches anywhere in the text. Raises RegexpError."""
    return compile_regexp(expression).search(text) is not None


@lru_cache(maxsize=16)
def with_re2(cls: Any) -> Any:
    """A validator class whose expressions RE2 matches."""
    words = {"pattern": _pattern, "patternProperties": _named, "additionalProperties": _additional}
    if "unevaluatedProperties" in cls.VALIDATORS:
        words["unevaluatedProperties"] = _unevaluated(cls.VALIDATORS["unevaluatedProperties"])
    return extend(cls, words)  # type: ignore[no-untyped-call]


def _pattern(validator: Any, expression: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not matches(expression, value):
        yield ValidationError(f"{value!r} does not match {expression!r}")


def _named(validator: Any, named: dict[str, Any], value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for expression, below in named.items():
            for key, item in value.items():
                if matches(expression, key):
                    yield from validator.descend(item, below, path=key, schema_path=expression)


def additional(value: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """Keys that neither properties nor patternProperties speak of."""
    known, named = schema.get("properties") or {}, schema.get("patternProperties") or {}
    return [key for key in value if key not in known and not any(matches(p, key) for p in named)]


def _additional(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    extra = additional(value, schema)
    if isinstance(allowed, dict):
        for key in extra:
            yield from validator.descend(value[key], allowed, path=key)
    elif not allowed and extra:
        yield ValidationError(f"additional properties {', '.join(sorted(extra))}")


def _unevaluated(original: Any) -> Any:
    """The library looks for evaluated keys with Python's engine: expressions are made literal before it does."""

    def check(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        if isinstance(value, dict):
            plain = _literal(schema, value)
            yield from original(validator.evolve(schema=plain), allowed, value, plain)

    return check


def _literal(schema: Any, value: dict[str, Any]) -> Any:
    """The schema with each patternProperties listing, escaped, just the keys of `value` that it matches."""
    import re

    if isinstance(schema, list):
        return [_literal(item, value) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _literal(item, value) if key in _IN_PLACE else item for key, item in schema.items()}
    if isinstance(schema.get("patternProperties"), dict):
        out["patternProperties"] = {
            f"^{re.escape(key)}$": below
            for expression, below in schema["patternProperties"].items()
            for key in value
            if matches(expression, key)
        }
    return out


_IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "if", "then", "else"})
"""Keywords whose subschemas speak of the same value."""
