"""From a manifest's text to objects: what is sent to the server and checked before.

Every object keeps the name of the template it came from.
"""

from __future__ import annotations

from typing import Any

from pyhelm.errors import ManifestError
from pyhelm.manifest.documents import split
from pyhelm.manifest.head import load_yaml

_SOURCE = "# Source: "


def objects_of(manifest: str) -> list[tuple[str, dict[str, Any]]]:
    """(template, object) for every document of a manifest that is not empty.

    Raises ManifestError naming the template of a document that is no object.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    for text in split(manifest):
        source = _source(text)
        body = _load(source, text)
        if body is None:
            continue
        if not isinstance(body, dict):
            raise ManifestError(f"{source}: a document must be a mapping, not {type(body).__name__}")
        found.append((source, body))
    return found


def object_of(path: str, manifest: str) -> dict[str, Any]:
    """The one object of a hook. Raises ManifestError where there is none."""
    body = _load(path, manifest)
    if not isinstance(body, dict):
        raise ManifestError(f"{path}: the hook holds no object")
    return body


def _load(source: str, text: str) -> Any:
    try:
        return _whole(load_yaml(text))
    except ManifestError as error:
        raise ManifestError(f"{source}: {error}") from error


def _whole(value: Any) -> Any:
    """Whole numbers as integers: the API refuses `3.0` where it wants 3."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 63:
        return int(value)
    return value


def _source(text: str) -> str:
    first = text.partition("\n")[0]
    return first.removeprefix(_SOURCE).strip() if first.startswith(_SOURCE) else "manifest"
