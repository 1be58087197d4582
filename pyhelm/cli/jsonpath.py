"""JSONPath as kubectl has it, the part that picks values: `{.a.b[0]}`, `{.items[*].name}`, quotes, text between braces.

Missing keys yield nothing, as Helm asks its library to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyhelm.errors import PyhelmError

_STEP = re.compile(
    r"\.\.(?P<deep>[\w-]+)|\.(?P<name>\*|(?:[^.\[\]\\]|\\.)+)|\[(?P<index>-?\d+)\]|\[(?P<all>\*)\]"
    r"|\[(?P<slice>-?\d*:-?\d*)\]|\['(?P<quoted>[^']*)'\]|\[\"(?P<double>[^\"]*)\"\]"
)


def find(data: Any, template: str) -> str:
    """The text of a template over `data`. Raises PyhelmError for what is not understood."""
    if "{" not in template:
        template = "{" + template + "}"
    parts = re.split(r"\{([^{}]*)\}", template)
    return "".join(part if place % 2 == 0 else _one(data, part.strip()) for place, part in enumerate(parts))


def _one(data: Any, expression: str) -> str:
    if expression[:1] in "'\"" and len(expression) > 1:
        return expression[1:-1].replace("\\n", "\n").replace("\\t", "\t")
    return " ".join(_text(value) for value in _values(data, expression.removeprefix("$")))


def _values(data: Any, expression: str) -> Iterator[Any]:
    found = [data]
    place = 0
    if expression and expression[0] not in ".[":
        expression = f".{expression}"
    while place < len(expression):
        if expression[place:] == ".":
            break
        step = _STEP.match(expression, place)
        if step is None:
            raise PyhelmError(f"error parsing jsonpath {{{expression}}}: unrecognized at {expression[place:]!r}")
        found = [inner for value in found for inner in _step(value, step)]
        place = step.end()
    yield from found


def _step(value: Any, step: re.Match[str]) -> list[Any]:
    if step["deep"] is not None:
        return list(_descend(value, step["deep"]))
    if step["all"] or step["name"] == "*":
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if step["index"] is not None:
        index = int(step["index"])
        inside = isinstance(value, list) and -len(value) <= index < len(value)
        return [value[index]] if inside else []
    if step["slice"] is not None:
        first, _, last = step["slice"].partition(":")
        return value[int(first or 0) : int(last) if last else None] if isinstance(value, list) else []
    key = next(k for k in (step["name"], step["quoted"], step["double"]) if k is not None)
    key = re.sub(r"\\(.)", r"\1", key)
    return [value[key]] if isinstance(value, dict) and key in value else []


def _descend(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        for inner in value.values():
            yield from _descend(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _descend(inner, key)


def _text(value: Any) -> str:
    from pyhelm.formats.floats import format_json_float
    from pyhelm.formats.json_write import dump

    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_json_float(value)
    return "" if value is None else dump(value, html=False)
