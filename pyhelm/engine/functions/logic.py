"""Defaults, emptiness, choice, reflection: the functions that look at what a value is."""

from __future__ import annotations

from typing import Any

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.formats.gotypes import GoObject, kind_of, type_of

__all__ = [
    "all_",
    "any_",
    "coalesce",
    "deep_copy",
    "deep_equal",
    "default",
    "empty",
    "kind_is",
    "kind_of_",
    "ternary",
    "type_is",
    "type_is_like",
    "type_of_",
]


def empty(value: Any) -> bool:
    """Whether the value is the zero of its type: nil, "", 0, false, an empty list or map. Structs never are."""
    return not value and not isinstance(value, GoObject)


def default(fallback: Any, *given: Any) -> Any:
    """The given value, or the fallback when it is empty or absent."""
    if given and (given[0] or isinstance(given[0], GoObject)):
        return given[0]
    return fallback


def coalesce(*values: Any) -> Any:
    """The first value that is not empty, else nil."""
    for value in values:
        if not empty(value):
            return value
    return None


def all_(*values: Any) -> bool:
    """Whether no value is empty."""
    return not any(empty(value) for value in values)


def any_(*values: Any) -> bool:
    """Whether some value is not empty."""
    return any(not empty(value) for value in values)


def ternary(if_true: Any, if_false: Any, test: bool) -> Any:
    """One of two values."""
    return if_true if test else if_false


def type_of_(value: Any) -> str:
    """Go's type name."""
    return type_of(value)


def type_is(target: str, value: Any) -> bool:
    """Whether the type's name is `target`."""
    return type_of(value) == target


def type_is_like(target: str, value: Any) -> bool:
    """The same, a pointer counting as what it points to."""
    name = type_of(value)
    return name in (target, "*" + target)


def kind_of_(value: Any) -> str:
    """The reflect kind's name."""
    return kind_of(value)


def kind_is(target: str, value: Any) -> bool:
    """Whether the kind's name is `target`."""
    return kind_of(value) == target


def deep_equal(one: Any, two: Any) -> bool:
    """reflect.DeepEqual: types count, so int 1 differs from float64 1 and a nil list from an empty one."""
    if type_of(one) != type_of(two) or getattr(one, "go_nil", False) != getattr(two, "go_nil", False):
        return False
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(deep_equal(value, two[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(deep_equal(a, b) for a, b in zip(one, two))
    return bool(one == two)


def deep_copy(value: Any) -> Any:
    """Maps and lists copied all the way down."""
    if value is None:
        raise GoCallError("reflect: call of reflect.Value.Type on zero Value")
    return _copy(value)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        out = {key: _copy(item) for key, item in value.items()}
        return out if type(value) is dict else type(value)(out)
    if isinstance(value, list):
        items = [_copy(item) for item in value]
        return items if type(value) is list else type(value)(items)
    return value
