"""encoding/json's Marshal: sorted keys, `<`, `>`, `&` and the line separators escaped, Go's floats."""

from __future__ import annotations

import re
from typing import Any

from pyhelm.formats.floats import format_json_float
from pyhelm.formats.jsonable import UnsupportedValue, jsonable, refuse_infinite
from pyhelm.patterns import lazy

__all__ = ["UnsupportedValue", "dump", "dump_pretty", "quote_json"]

_PLAIN = re.compile(r'[ !#-%\'-;=?-\[\]-~]*').fullmatch
# Alternatives of few ranges each: one class over all of Unicode takes milliseconds to compile.
_HTML = lazy(r'["&<>\\\x00-\x1f\x7f]|[\u2028\u2029]|[\ud800-\udfff]')
_RAW = lazy(r'["\\\x00-\x1f\x7f]|[\u2028\u2029]|[\ud800-\udfff]')
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    named = _NAMED.get(char)
    if named is not None:
        return named
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    return f"\\u{ord(char):04x}"


def quote_json(text: str, html: bool = True) -> str:
    """A JSON string literal."""
    if _PLAIN(text):
        return f'"{text}"'
    return f'"{(_HTML if html else _RAW).sub(_escape, text)}"'


def dump(value: Any, html: bool = True) -> str:
    """Compact JSON. UnsupportedValue with Go's message for inf, nan and functions."""
    kind = type(value)
    if kind is str:
        return quote_json(value, html)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        refuse_infinite(value)
        return format_json_float(value)
    if isinstance(value, dict) and not getattr(value, "go_nil", False):
        return "{" + ",".join([f"{quote_json(k, html)}:{dump(value[k], html)}" for k in sorted(value)]) + "}"
    if isinstance(value, (list, tuple)) and not getattr(value, "go_nil", False):
        return "[" + ",".join([dump(item, html) for item in value]) + "]"
    if isinstance(value, int):
        return int.__repr__(value)
    if hasattr(value, "go_json"):
        return _object(value, html)
    return dump(jsonable(value), html)


def _object(value: Any, html: bool) -> str:
    """A struct keeps the order of its fields."""
    plain = value.go_json()
    if not isinstance(plain, dict):
        return dump(plain, html)
    return "{" + ",".join([f"{quote_json(k, html)}:{dump(v, html)}" for k, v in plain.items()]) + "}"


def dump_pretty(value: Any, indent: str = "  ", html: bool = True) -> str:
    """MarshalIndent with the given indent; empty lists and maps stay on one line."""
    return _pretty(value, "\n", indent, html)


def _pretty(value: Any, line: str, indent: str, html: bool) -> str:
    if hasattr(value, "go_json"):
        value = value.go_json()
        keys = list(value) if isinstance(value, dict) else []
    elif isinstance(value, dict) and not getattr(value, "go_nil", False):
        keys = sorted(value)
    if isinstance(value, dict) and value:
        inner = line + indent
        parts = [f"{quote_json(k, html)}: {_pretty(value[k], inner, indent, html)}" for k in keys]
        return "{" + inner + ("," + inner).join(parts) + line + "}"
    if isinstance(value, (list, tuple)) and value:
        inner = line + indent
        return "[" + inner + ("," + inner).join([_pretty(v, inner, indent, html) for v in value]) + line + "]"
    return dump(value, html)
