"""The template functions as Jinja2 sees them: functions in Go's order, filters with the piped value last.

Undefined arguments count as nil; numbers written in a template are Go's int; a keyword is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Undefined

from pyhelm.engine.functions import SIGNATURES
from pyhelm.formats.gotypes import GoInt

__all__ = ["as_filter", "as_function"]

_LENIENT = frozenset({
    "default", "coalesce", "empty", "required", "ternary", "dict", "kindOf", "typeOf", "toYaml", "toJson",
})  # fmt: skip
"""Functions that may be given what does not exist."""


def _go(value: Any, wanted: str, lenient: bool) -> Any:
    """A value of a Jinja2 template as an argument of the Go type `wanted`: numbers fit where they are whole."""
    kind = value.__class__
    if kind is str or kind is dict or kind is bool:
        return value
    if isinstance(value, (int, float)):
        return _number(value, wanted)
    if isinstance(value, Undefined):
        return None if lenient or getattr(value, "is_nil", False) else str(value)
    if kind is tuple:
        return list(value)
    return value


def _number(value: Any, wanted: str) -> Any:
    if wanted == "int" and value == int(value):
        return GoInt(value)
    if wanted == "int64" and value == int(value):
        return int(value)
    if wanted == "float64":
        return float(value)
    return GoInt(value) if value.__class__ is int else value


def _types(name: str) -> Callable[[int], str]:
    """The Go type of a function's parameter by its index."""
    names = SIGNATURES[name].partition("->")[0].split(",")
    return lambda index: names[min(index, len(names) - 1)].removeprefix("...")


def as_function(name: str, find: Callable[[str], Callable[..., Any]]) -> Callable[..., Any]:
    """`name(a, b)`; `dict(a=1)` as in Jinja2, too."""
    lenient, types = name in _LENIENT, _types(name)

    def call(*arguments: Any, **named: Any) -> Any:
        if named:
            if name == "dict" and not arguments:
                return named
            raise TypeError(f"{name} takes no named arguments")
        return find(name)(*[_go(argument, types(i), lenient) for i, argument in enumerate(arguments)])

    call.__name__ = name
    return call


def as_filter(name: str, find: Callable[[str], Callable[..., Any]]) -> Callable[..., Any]:
    """`value | name(a, b)`: name(a, b, value)."""
    lenient, types = name in _LENIENT, _types(name)

    def call(value: Any, *arguments: Any, **named: Any) -> Any:
        if name == "default" and len(arguments) == 2 and isinstance(arguments[1], bool):
            arguments = arguments[:1]
        if named:
            raise TypeError(f"{name} takes no named arguments")
        given = [_go(argument, types(i), lenient) for i, argument in enumerate((*arguments, value))]
        return find(name)(*given)

    call.__name__ = name
    return call
