"""Paths into a schema as rules and selectable fields name them: `.spec.hosts`, `.labels['a.b']`."""

from __future__ import annotations

import re
from typing import Any

from cluster.meta.field import Path

Schema = dict[str, Any]
_TOKEN = re.compile(r"[.\[\]]|'(?:\\.|[^'\\])*'?|[^.\[\]]+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"'": "'", "\\": "\\", "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_NOWHERE = "does not refer to a valid field"


def follow(text: str, schema: Schema, *, brackets: bool = True) -> tuple[Path, Schema]:
    """The path as faults show it, and the schema at its end. ValueError says why there is none."""
    tokens = _TOKEN.findall(text)
    path, here = Path(""), schema
    at = 0
    while at < len(tokens):
        if tokens[at] == ".":
            name, at = _named(tokens, at)
        elif tokens[at] == "[":
            if not brackets:
                raise ValueError("array notation is not allowed")
            name, at = _quoted(tokens, at)
        else:
            raise ValueError(f"expected [ or . but got: {tokens[at]}")
        path, here = _step(path, here, name)
    return path, here


def _next(tokens: list[str], at: int) -> str:
    if at >= len(tokens):
        raise ValueError("unexpected end of JSON path")
    return tokens[at]


def _named(tokens: list[str], at: int) -> tuple[str, int]:
    return _next(tokens, at + 1), at + 2


def _quoted(tokens: list[str], at: int) -> tuple[str, int]:
    token = _next(tokens, at + 1)
    if len(token) < 2 or token[0] != "'" or token[-1] != "'":
        raise ValueError(f"expected single quoted string but got {token}")
    end = _next(tokens, at + 2)
    if end != "]":
        raise ValueError(f"expected ] but got {end}")
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), token[1:-1]), at + 3


def _step(path: Path, schema: Schema, name: str) -> tuple[Path, Schema]:
    properties, extra = schema.get("properties"), schema.get("additionalProperties")
    if properties is not None:
        if name not in properties:
            raise ValueError(_NOWHERE)
        return path / name, properties[name]
    if isinstance(extra, dict):
        return path[name], extra
    raise ValueError(_NOWHERE)
