"""Maps. `set`, `unset`, `merge` and `mergeOverwrite` change the map they are given, as Go's do."""

from __future__ import annotations

from typing import Any

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.engine.functions.strings import to_string
from pyhelm.formats.gotypes import StringList, type_of

__all__ = [
    "dig",
    "get",
    "has_key",
    "keys",
    "merge",
    "merge_overwrite",
    "new_dict",
    "omit",
    "pick",
    "pluck",
    "set_",
    "unset",
    "values",
]

Map = dict[str, Any]


def _writable(target: Map) -> Map:
    if getattr(target, "go_nil", False):
        raise GoCallError("assignment to entry in nil map")
    return target


def new_dict(*pairs: Any) -> Map:
    """Keys and values in turn; a key without a value has ""."""
    out: Map = {}
    for place in range(0, len(pairs) - 1, 2):
        key = pairs[place]
        out[key if type(key) is str else to_string(key)] = pairs[place + 1]
    if len(pairs) % 2:
        out[to_string(pairs[-1])] = ""
    return out


def get(source: Map, key: str) -> Any:
    """The value, or "" when there is none."""
    return source.get(key, "")


def set_(target: Map, key: str, value: Any) -> Map:
    """Sets in place; returns the map."""
    _writable(target)[key] = value
    return target


def unset(target: Map, key: str) -> Map:
    """Removes in place; returns the map."""
    target.pop(key, None)
    return target


def has_key(source: Map, key: str) -> bool:
    """Whether the key is there, with whatever value."""
    return key in source


def pluck(key: str, *sources: Map) -> list[Any]:
    """The values of one key in several maps, where it exists."""
    return [source[key] for source in sources if key in source]


def keys(*sources: Map) -> list[str]:
    """The keys of all maps. Go's order is random; ours is sorted, which is one of Go's."""
    out: list[str] = []
    for source in sources:
        out.extend(sorted(source))
    return StringList(out)


def values(source: Map) -> list[Any]:
    """The values, in the order of their sorted keys."""
    return [source[key] for key in sorted(source)]


def pick(source: Map, *wanted: str) -> Map:
    """Only the named keys."""
    return {key: source[key] for key in wanted if key in source}


def omit(source: Map, *unwanted: str) -> Map:
    """All but the named keys."""
    return {key: value for key, value in source.items() if key not in unwanted}


def dig(*arguments: Any) -> Any:
    """A value deep in nested maps: keys…, the default, the map."""
    if len(arguments) < 3:
        raise GoCallError("dig needs at least three arguments")
    *path, fallback, found = arguments
    _as_map(found)
    for key in path:
        if not isinstance(key, str):
            raise GoCallError(_conversion(key, "string"))
    for key in path:
        found = _as_map(found)
        if key not in found:
            return fallback
        found = found[key]
    return found


def _as_map(value: Any) -> Map:
    if isinstance(value, dict) and type_of(value) == "map[string]interface {}":
        return value
    raise GoCallError(_conversion(value, "map[string]interface {}"))


def _conversion(value: Any, wanted: str) -> str:
    found = "nil" if value is None else type_of(value)
    return f"interface conversion: interface {{}} is {found}, not {wanted}"


def merge(target: Map, *sources: Map) -> Map:
    """Fills what is missing or empty in `target`, source by source, deeply and in place."""
    for source in sources:
        _merge(target, source, overwrite=False)
    return target


def merge_overwrite(target: Map, *sources: Map) -> Map:
    """Writes every source over `target`, deeply and in place."""
    for source in sources:
        _merge(target, source, overwrite=True)
    return target


def _merge(target: Map, source: Map, overwrite: bool) -> None:
    for key, given in source.items():
        present = target.get(key)
        if given is None:
            if overwrite:
                target[key] = None
            continue
        if isinstance(given, dict) and isinstance(present, dict):
            _merge(present, given, overwrite)
            if present:
                continue
        if overwrite or not present:
            _writable(target)[key] = given
