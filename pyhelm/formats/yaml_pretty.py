"""toYamlPretty: values as go-yaml v3 prints them with an indentation of two.

Unlike toYaml there is no detour over JSON (floats stay floats: 1e+06), lists are indented under their key, and lines
are never folded.
"""

from __future__ import annotations

import base64
from functools import cmp_to_key
from typing import Any

from pyhelm.formats.floats import format_g
from pyhelm.formats.gotypes import GoObject
from pyhelm.formats.yaml_keys import compare_v3
from pyhelm.formats.yaml_resolve import resolves_to_text
from pyhelm.formats.yaml_scalar import analyze, block_hint, double_quoted, single_quoted

__all__ = ["dump"]

_BREAKS = "\r\n\x85\u2028\u2029"


def dump(value: Any) -> str:
    """The YAML text, with its final newline."""
    out: list[str] = []
    value = _plain(value)
    if isinstance(value, dict) and value:
        _mapping(value, 0, out, False)
    elif isinstance(value, list) and value:
        _sequence(value, 0, out, False)
    else:
        out.append(_scalar(value, 2) + "\n")
    return "".join(out)


def _plain(value: Any) -> Any:
    if isinstance(value, GoObject):
        text = value.go_string()
        if text is None:
            return {name.lower(): item for name, item in value.go_fields().items()}
        return value.go_json()
    if isinstance(value, tuple):
        return list(value)
    return list(value) if isinstance(value, bytes) else value


def _mapping(value: dict[Any, Any], indent: int, out: list[str], inline: bool) -> None:
    pad = " " * indent
    for key in sorted(value, key=cmp_to_key(compare_v3)):
        if not inline:
            out.append(pad)
        inline = False
        if any(mark in key for mark in _BREAKS) or len(key.encode("utf-8", "replace")) > 128:
            out.append(f"? {_text(key, indent + 2)}\n{pad}:")
            _value(value[key], indent, out, True)
            continue
        out.append(_text(key, indent + 2) + ":")
        _value(value[key], indent, out, False)


def _value(item: Any, indent: int, out: list[str], inline: bool) -> None:
    item = _plain(item)
    if isinstance(item, dict | list) and item:
        out.append(" " if inline else "\n")
        if isinstance(item, dict):
            _mapping(item, indent + 2, out, inline)
        else:
            _sequence(item, indent + 2, out, inline)
    else:
        out.append(f" {_scalar(item, indent + 2)}\n")


def _sequence(value: list[Any], indent: int, out: list[str], inline: bool) -> None:
    pad = " " * indent + "- "
    for item in value:
        out.append("- " if inline else pad)
        inline = False
        item = _plain(item)
        if isinstance(item, dict) and item:
            _mapping(item, indent + 2, out, True)
        elif isinstance(item, list) and item:
            _sequence(item, indent + 2, out, True)
        else:
            out.append(_scalar(item, indent + 2) + "\n")


def _scalar(value: Any, indent: int) -> str:
    if isinstance(value, str):
        return _text(value, indent)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        shown = format_g(value)
        return {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(shown, shown)
    return "{}" if isinstance(value, dict) else "[]"


def _text(text: str, indent: int) -> str:
    if not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text):
        data = base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")
        return f"!!binary {data}"
    analysis = analyze(text, v3=True)
    if "\n" in text:
        if analysis.block:
            return _literal(text, indent)
        return double_quoted(text, 0, indent, False)
    if not resolves_to_text(text):
        return double_quoted(text, 0, indent, False)
    if analysis.plain:
        return text
    if analysis.single:
        return single_quoted(text, 0, indent, False)
    return double_quoted(text, 0, indent, False)


def _literal(text: str, indent: int) -> str:
    pad = " " * indent
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    shown = "\n".join([pad + line if line else "" for line in lines])
    return f"|{block_hint(text)}\n{shown}"
