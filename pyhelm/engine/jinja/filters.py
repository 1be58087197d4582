"""The template functions as Jinja2 sees them: functions in Go's order, filters with the piped value last.

Undefined arguments count as nil; numbers written in a template are Go's int; a keyword is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Undefined

from pyhelm.formats.gotypes import GoInt

__all__ = ["as_filter", "as_function"]

_LENIENT = frozenset({
    "default", "coalesce", "empty", "required", "ternary", "dict", "kindOf", "typeOf", "toYaml", "toJson",
})  # fmt: skip
"""Functions that may be given what does not exist."""


def _go(value: Any, lenient: bool) -> Any:
    kind = value.__class__
    if kind is str or kind is dict or kind is float or kind is bool:
        return value
    if kind is int:
        return GoInt(value)
    if isinstance(value, Undefined):
        return None if lenient else str(value)
    if kind is tuple:
        return list(value)
    return value


def as_function(name: str, find: Callable[[str], Callable[..., Any]]) -> Callable[..., Any]:
    """`name(a, b)`; `dict(a=1)` as in Jinja2, too."""
    lenient = name in _LENIENT

    def call(*arguments: Any, **named: Any) -> Any:
        if named:
            if name == "dict" and not arguments:
                return named
            raise TypeError(f"{name} takes no named arguments")
        return find(name)(*[_go(argument, lenient) for argument in arguments])

    call.__name__ = name
    return call


def as_filter(name: str, find: Callable[[str], Callable[..., Any]]) -> Callable[..., Any]:
    """`value | name(a, b)`: name(a, b, value)."""
    lenient = name in _LENIENT

    def call(value: Any, *arguments: Any, **named: Any) -> Any:
        if name == "default" and len(arguments) == 2 and isinstance(arguments[1], bool):
            arguments = arguments[:1]
        if named:
            raise TypeError(f"{name} takes no named arguments")
        given = [_go(argument, lenient) for argument in arguments]
        return find(name)(*given, _go(value, lenient))

    call.__name__ = name
    return call
