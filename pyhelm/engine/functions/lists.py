"""Lists. Every function makes a new list; the type of the one given may be any slice."""

from __future__ import annotations

import math
from typing import Any

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.engine.functions.logic import deep_equal, empty
from pyhelm.engine.functions.numbers import cast_int
from pyhelm.formats.gotypes import ListList, NilList, kind_of

__all__ = [
    "append",
    "chunk",
    "compact",
    "concat",
    "first",
    "has",
    "initial",
    "last",
    "new_list",
    "prepend",
    "rest",
    "reverse",
    "slice_",
    "uniq",
    "without",
]

_NIL = "runtime error: invalid memory address or nil pointer dereference"


def _items(value: Any, complaint: str) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, bytes):
        return list(value)
    if isinstance(value, tuple):
        return list(value)
    if value is None:
        raise GoCallError(_NIL)
    raise GoCallError(complaint.format(kind_of(value)))


def new_list(*items: Any) -> list[Any]:
    """The arguments as a list."""
    return list(items)


def append(items: Any, item: Any) -> list[Any]:
    """The list with one more at its end."""
    return [*_items(items, "Cannot push on type {}"), item]


def prepend(items: Any, item: Any) -> list[Any]:
    """The list with one more at its head."""
    return [item, *_items(items, "Cannot prepend on type {}")]


def concat(*lists: Any) -> list[Any]:
    """All lists in one; none at all is a nil list."""
    out: list[Any] = []
    for items in lists:
        out.extend(_items(items, "Cannot concat type {} as list"))
    return out or NilList()


def chunk(size: int, items: Any) -> list[list[Any]]:
    """Pieces of `size` items; the last may be shorter."""
    source = _items(items, "Cannot chunk type {}")
    if size == 0:
        raise GoCallError("runtime error: makeslice: len out of range")
    count = math.floor((len(source) - 1) / size) + 1
    if count < 0 or (size < 0 and source):
        raise GoCallError("runtime error: makeslice: len out of range")
    return ListList([list(source[place * size : (place + 1) * size]) for place in range(count)])


def first(items: Any) -> Any:
    """The first item, nil of an empty list."""
    source = _items(items, "Cannot find first on type {}")
    return source[0] if source else None


def last(items: Any) -> Any:
    """The last item, nil of an empty list."""
    source = _items(items, "Cannot find last on type {}")
    return source[-1] if source else None


def rest(items: Any) -> list[Any]:
    """All but the first; a nil list when there is nothing."""
    source = _items(items, "Cannot find rest on type {}")
    return list(source[1:]) if source else NilList()


def initial(items: Any) -> list[Any]:
    """All but the last; a nil list when there is nothing."""
    source = _items(items, "Cannot find initial on type {}")
    return list(source[:-1]) if source else NilList()


def reverse(items: Any) -> list[Any]:
    """The other way round."""
    return list(reversed(_items(items, "Cannot find reverse on type {}")))


def compact(items: Any) -> list[Any]:
    """Without the empty ones."""
    return [item for item in _items(items, "Cannot compact on type {}") if not empty(item)]


def _contains(items: Any, wanted: Any) -> bool:
    return any(deep_equal(wanted, item) for item in items)


def uniq(items: Any) -> list[Any]:
    """Each value once, at its first place."""
    out: list[Any] = []
    for item in _items(items, "Cannot find uniq on type {}"):
        if not _contains(out, item):
            out.append(item)
    return out


def without(items: Any, *omitted: Any) -> list[Any]:
    """Without the given values."""
    source = _items(items, "Cannot find without on type {}")
    return [item for item in source if not _contains(omitted, item)]


def has(needle: Any, items: Any) -> bool:
    """Whether the list holds the value, types counting."""
    if items is None:
        return False
    return _contains(_items(items, "Cannot find has on type {}"), needle)


def slice_(items: Any, *indices: Any) -> Any:
    """`items[start:end]`; nil of an empty list."""
    source = _items(items, "list should be type of slice or array but {}")
    if not source:
        return None
    start = cast_int(indices[0]) if indices else 0
    end = cast_int(indices[1]) if len(indices) > 1 else len(source)
    if not 0 <= start <= end <= len(source):
        raise GoCallError("reflect.Value.Slice: slice index out of bounds")
    if isinstance(items, bytes):
        return items[start:end]
    return type(source)(source[start:end])
