"""Run-time checks of the arguments of a function, derived once from its Go signature.

A value of the wrong type is refused with text/template's words. The wrapper costs one type comparison for each typed
parameter; a function whose parameters are all interfaces is called as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyhelm.engine.functions.errors import GoTypeError
from pyhelm.formats.gotypes import GoInt, NilMap, type_of

__all__ = ["checked", "parameters_of"]

_MAP = "map[string]interface {}"
_LIST = "[]interface {}"
_EXACT: dict[str, type] = {"string": str, "int": GoInt, "bool": bool, "float64": float, _MAP: dict, _LIST: list}
_NIL_FITS: dict[str, Callable[[], Any]] = {_MAP: NilMap, _LIST: list}


def parameters_of(signature: str) -> tuple[list[str], str | None]:
    """The types of the fixed parameters and of the variadic one (None when there is none)."""
    inner = signature.partition("->")[0]
    names = inner.split(",") if inner else []
    if names and names[-1].startswith("..."):
        return names[:-1], names[-1][3:]
    return names, None


def _convert(value: Any, wanted: str, place: int) -> Any:
    if value is None:
        if wanted in _NIL_FITS:
            return _NIL_FITS[wanted]()
        raise GoTypeError(f"invalid value; expected {wanted}", place)
    found = type_of(value)
    if found == wanted or (wanted == _MAP and found == "common.Values"):
        return value
    if wanted == "uint32" and isinstance(value, int) and not isinstance(value, bool):
        return value
    raise GoTypeError(f"wrong type for value; expected {wanted}; got {found}", place)


def checked(function: Callable[..., Any], signature: str) -> Callable[..., Any]:
    """`function` behind the checks its signature asks for."""
    fixed, variadic = parameters_of(signature)
    if all(name == "any" for name in [*fixed, variadic or "any"]):
        return function
    if variadic in (None, "any") and len(fixed) == 1:
        return _one(function, fixed[0])
    if variadic is None and len(fixed) == 2:
        return _two(function, fixed[0], fixed[1])
    return _many(function, fixed, variadic)


def _one(function: Callable[..., Any], wanted: str) -> Callable[..., Any]:
    exact = _EXACT.get(wanted)

    def call(value: Any, *rest: Any) -> Any:
        if type(value) is not exact:
            value = _convert(value, wanted, 0)
        return function(value, *rest)

    return call


def _two(function: Callable[..., Any], first: str, second: str) -> Callable[..., Any]:
    exact_first, exact_second = _EXACT.get(first), _EXACT.get(second)
    any_first, any_second = first == "any", second == "any"

    def call(one: Any, two: Any) -> Any:
        if type(one) is not exact_first and not any_first:
            one = _convert(one, first, 0)
        if type(two) is not exact_second and not any_second:
            two = _convert(two, second, 1)
        return function(one, two)

    return call


def _many(function: Callable[..., Any], fixed: list[str], variadic: str | None) -> Callable[..., Any]:
    checks = [(place, name, _EXACT.get(name)) for place, name in enumerate(fixed) if name != "any"]
    rest = variadic if variadic not in (None, "any") else None
    rest_exact = _EXACT.get(rest) if rest else None
    count = len(fixed)

    def call(*arguments: Any) -> Any:
        values = list(arguments)
        for place, wanted, exact in checks:
            if type(values[place]) is not exact:
                values[place] = _convert(values[place], wanted, place)
        if rest is not None:
            for place in range(count, len(values)):
                if type(values[place]) is not rest_exact:
                    values[place] = _convert(values[place], rest, place)
        return function(*values)

    return call
