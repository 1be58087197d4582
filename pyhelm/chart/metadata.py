"""Chart.yaml: reading it as Helm's struct would, cleaning its texts, and the rules it must keep.

Field types decide how a scalar is read: `appVersion: 1.10` is the text "1.1" and `version: 20240101` the text
"20240101", as in Helm, because the field is a string there.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from pyhelm.errors import ChartError
from pyhelm.formats.floats import format_g
from pyhelm.formats.yaml_read import YAMLError, load
from pyhelm.formats.yaml_resolve import resolve_plain
from pyhelm.patterns import lazy

STRINGS = frozenset(
    {"apiVersion", "appVersion", "condition", "description", "engine", "home", "icon", "kubeVersion", "name", "tags"}
    | {"type", "version"}
)
STRING_LISTS = frozenset({"keywords", "sources"})
DEPENDENCY_STRINGS = frozenset({"alias", "condition", "name", "repository", "version"})
MAINTAINER_STRINGS = frozenset({"email", "name", "url"})
BOOLEANS = frozenset({"deprecated"})
_ALIAS = lazy(r"[a-zA-Z0-9_-]+")
_VERSION = re.compile(
    r"v?(\d+)(\.\d+)?(\.\d+)?(-([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?(\+([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?"
)


def read_metadata(text: bytes, file: str = "Chart.yaml") -> dict[str, Any]:
    """Chart.yaml as data, with string fields as strings. Raises ChartError in Helm's words."""
    try:
        found = load(text)
    except YAMLError as error:
        raise ChartError(f"cannot load {file}: {error}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _mismatch(file, found, "Go value of type loader.chartBase")
    raw = _RawScalars(text)
    out = {key: _field(key, value, raw, file) for key, value in found.items()}
    return {key: value for key, value in out.items() if value is not None}


def read_dependencies(text: bytes, file: str) -> list[Any]:
    """The dependencies of a requirements.yaml or of a lock file."""
    try:
        found = load(text)
    except YAMLError as error:
        raise ChartError(f"cannot load {file}: {error}") from error
    listed = found.get("dependencies") if isinstance(found, dict) else None
    return _records(listed or [], DEPENDENCY_STRINGS, ("dependencies",), _RawScalars(text))


def read_lock(text: bytes, file: str) -> dict[str, Any]:
    """Chart.lock or requirements.lock: generated, digest, dependencies."""
    try:
        found = load(text)
    except YAMLError as error:
        raise ChartError(f"cannot load {file}: {error}") from error
    lock = dict(found) if isinstance(found, dict) else {}
    lock["dependencies"] = read_dependencies(text, file)
    return lock


def _field(key: str, value: Any, raw: _RawScalars, file: str) -> Any:
    if key in STRINGS:
        if isinstance(value, dict | list):
            raise _mismatch(file, value, f"Go struct field Metadata.{key} of type string")
        return None if value is None else raw.text(value, (key,))
    if key in BOOLEANS and value is not None and not isinstance(value, bool):
        raise _mismatch(file, value, f"Go struct field Metadata.{key} of type bool")
    if key in STRING_LISTS and not isinstance(value, list | None):
        raise _mismatch(file, value, f"Go struct field .{key} of type []string")
    if key in STRING_LISTS and isinstance(value, list):
        return [raw.text(item, (key, i)) for i, item in enumerate(value)]
    if key == "dependencies":
        return _records(value or [], DEPENDENCY_STRINGS, (key,), raw)
    if key == "maintainers":
        return _records(value or [], MAINTAINER_STRINGS, (key,), raw)
    if key == "annotations" and isinstance(value, dict):
        return {k: raw.text(v, (key, k)) for k, v in value.items()}
    return value


def _records(listed: Any, strings: frozenset[str], path: tuple[Any, ...], raw: _RawScalars) -> list[Any]:
    if not isinstance(listed, list):
        raise ChartError(f"cannot load Chart.yaml: {path[0]} must be a list")
    return [_record(item, strings, (*path, i), raw) for i, item in enumerate(listed)]


def _record(item: Any, strings: frozenset[str], path: tuple[Any, ...], raw: _RawScalars) -> Any:
    if not isinstance(item, dict):
        return item
    return {
        k: raw.text(v, (*path, k)) if k in strings and not isinstance(v, dict | list) else v for k, v in item.items()
    }


class _RawScalars:
    """How a scalar was written; the text is parsed a second time only when somebody wrote a number for a string."""

    def __init__(self, text: bytes) -> None:
        self._source = text
        self._root: Any = None

    def text(self, value: Any, path: tuple[Any, ...]) -> str:
        """The string Helm reads where `value` was decoded at `path`."""
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        native = resolve_plain(self._written(path))
        return str(native) if type(native) is int else format_g(float(value))

    def _written(self, path: tuple[Any, ...]) -> str:
        import yaml

        if self._root is None:
            self._root = yaml.compose(self._source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        node = self._root
        for step in path:
            if isinstance(step, int):
                node = node.value[step]
            else:
                node = [v for k, v in node.value if k.value == step][-1]
        return str(node.value)


def _mismatch(file: str, value: Any, target: str) -> ChartError:
    names = {list: "array", dict: "object", str: "string", bool: "bool", float: "number", int: "number"}
    what = f"json: cannot unmarshal {names[type(value)]} into {target}"
    return ChartError(f"cannot load {file}: error unmarshaling JSON: while decoding JSON: {what}")


def clean(text: str) -> str:
    """White space becomes a space, what cannot be printed is dropped."""
    if text.isprintable():
        return text
    spaced = (" " if c.isspace() else c for c in text)
    return "".join(c for c in spaced if c == " " or (c.isprintable() and unicodedata.category(c) != "Cf"))


def validate(metadata: dict[str, Any]) -> None:
    """Clean the texts in place and raise ChartError on the first broken rule, in Helm's order and words."""
    for key in ("name", "description", "home", "icon", "condition", "tags", "appVersion", "kubeVersion"):
        if isinstance(metadata.get(key), str):
            metadata[key] = clean(metadata[key])
    for key in STRING_LISTS:
        if key in metadata:
            metadata[key] = [clean(item) for item in metadata[key] or []]
    fault = _fault(metadata)
    if fault:
        raise ChartError(f"validation: {fault}")


def _fault(metadata: dict[str, Any]) -> str:
    name, version = metadata.get("name") or "", metadata.get("version") or ""
    if not metadata.get("apiVersion"):
        return "chart.metadata.apiVersion is required"
    if not name:
        return "chart.metadata.name is required"
    if name in (".", ".."):
        return f'chart.metadata.name "{name}" is not allowed'
    if "/" in name:
        return f'chart.metadata.name "{name}" is invalid'
    if not version:
        return "chart.metadata.version is required"
    if not _VERSION.fullmatch(version):
        return f'chart.metadata.version "{version}" is invalid'
    if metadata.get("type", "") not in ("", "application", "library"):
        return "chart.metadata.type must be application or library"
    return _maintainers_fault(metadata.get("maintainers") or []) or _dependencies_fault(
        metadata.get("dependencies") or []
    )


def _maintainers_fault(maintainers: list[Any]) -> str:
    for item in maintainers:
        if not isinstance(item, dict):
            return "maintainers must not contain empty or null nodes"
        for key in MAINTAINER_STRINGS & item.keys():
            item[key] = clean(str(item[key]))
    return ""


def _dependencies_fault(dependencies: list[Any]) -> str:
    seen: set[str] = set()
    for item in dependencies:
        if not isinstance(item, dict):
            return "dependencies must not contain empty or null nodes"
        for key in DEPENDENCY_STRINGS & item.keys():
            item[key] = clean(str(item[key]))
        alias = item.get("alias") or ""
        if alias and not _ALIAS.fullmatch(alias):
            return f'dependency "{item.get("name", "")}" has disallowed characters in the alias'
        key = alias or item.get("name") or ""
        if key in seen:
            return f'more than one dependency with name or alias "{key}"'
        seen.add(key)
    return ""
