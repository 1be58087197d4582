"""The part of JSONPath that columns and selectable fields use: fields, indices, wildcards and simple filters.

What cannot be read is refused with ValueError, once, when the path is compiled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(
    r"""\.(?P<field>(?:[A-Za-z0-9_\-/@]|\\.)+|\*)
      | \[(?P<index>-?\d+)\]
      | \[(?P<all>\*)\]
      | \[['"](?P<quoted>[^'"]*)['"]\]
      | \[\?\(\s*@(?P<key>[^=!<>\s]*)\s*(?P<op>==|!=)\s*(?P<value>"[^"]*"|'[^']*'|[\w.\-]+)\s*\)\]
    """,
    re.VERBOSE,
)
Step = Callable[[Any], list[Any]]


def compiled(text: str) -> Callable[[Any], list[Any]]:
    """`.spec.ports[*].name` -> a function giving every value found, none when the way ends."""
    steps = [_step(match) for match in _tokens(text)]

    def find(obj: Any) -> list[Any]:
        found = [obj]
        for step in steps:
            found = [item for value in found for item in step(value)]
        return found

    return find


def _tokens(text: str) -> list[re.Match[str]]:
    out, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"unsupported JSONPath: {text}")
        out.append(match)
        at = match.end()
    return out


def _step(match: re.Match[str]) -> Step:
    if match["op"]:
        return _filter(match["key"], match["op"], match["value"].strip("\"'"))
    if match["all"] or match["field"] == "*":
        return _every
    if match["index"] is not None:
        return _index(int(match["index"]))
    name = match["quoted"] if match["field"] is None else re.sub(r"\\(.)", r"\1", match["field"])
    return lambda value: [value[name]] if isinstance(value, dict) and value.get(name) is not None else []


def _every(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _index(at: int) -> Step:
    def step(value: Any) -> list[Any]:
        return [value[at]] if isinstance(value, list) and -len(value) <= at < len(value) else []

    return step


def _filter(key: str, operator: str, wanted: str) -> Step:
    inner = compiled(key)

    def step(value: Any) -> list[Any]:
        return [item for item in _every(value) if (wanted in map(shown, inner(item))) == (operator == "==")]

    return step


def shown(value: Any) -> str:
    """A value as text: strings plain, structures as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
