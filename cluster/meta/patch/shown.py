"""A patched document as the API server shows it in a fault: objects the patch opened are written with sorted keys,
what it did not touch stays as it was written before."""

from __future__ import annotations

from typing import Any

import orjson

from cluster.meta.decimals import is_digits, whole
from cluster.meta.gojson import escape_html


def patched_text(document: dict[str, Any], patch: Any) -> str:
    """JSON of the result of a JSON patch (a list of operations) or a merge patch (an object)."""
    marked = _open_merge(document, patch) if isinstance(patch, dict) else _open_operations(document, patch)
    return escape_html(orjson.dumps(marked)).decode()


def _open_merge(document: Any, patch: Any) -> Any:
    if isinstance(patch, list):
        # What a patch puts in whole is looked through for nulls, and so opened to the bottom.
        return _deep(document)
    if not isinstance(document, dict) or not isinstance(patch, dict):
        return document
    return {key: _open_merge(document[key], patch.get(key)) for key in sorted(document)}


def _open_operations(document: Any, operations: Any) -> Any:
    out = _sorted(document)
    for operation in operations if isinstance(operations, list) else ():
        for member in ("path", "from"):
            path = operation.get(member) if isinstance(operation, dict) else None
            if isinstance(path, str):
                out = _open_path(out, [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:-1]])
    return out


def _sorted(value: Any) -> Any:
    return {key: value[key] for key in sorted(value)} if isinstance(value, dict) else value


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _deep(value[key]) for key in sorted(value)}
    return [_deep(item) for item in value] if isinstance(value, list) else value


def _open_path(value: Any, steps: list[str]) -> Any:
    value = _sorted(value)
    if not steps:
        return value
    if isinstance(value, dict) and steps[0] in value:
        return {**value, steps[0]: _open_path(value[steps[0]], steps[1:])}
    index = whole(steps[0]) if is_digits(steps[0].removeprefix("-")) else None
    if isinstance(value, list) and index is not None and -len(value) <= index < len(value):
        out = list(value)
        out[index] = _open_path(out[index], steps[1:])
        return out
    return value
