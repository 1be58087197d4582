"""Literals that cannot be right whatever the variables are: durations, times and patterns, and mixed lists and maps.

These are the validators that Kubernetes adds to CEL; they speak up only where types agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cluster.meta.cel.syntax import Call, ListOf, Literal, MapOf, Node, children
from cluster.meta.cel.types import Type
from cluster.meta.cel.values import EvalError, parse_duration, parse_timestamp
from cluster.meta.goregex import PatternError, compiled

Fault = tuple[int, str]


def faults_of(tree: Node, types: Mapping[int, Type]) -> Iterator[Fault]:
    """Every fault as position and text."""
    nodes = list(_walk(tree, False))
    for name, check in _CHECKS.items():
        for node, _ in nodes:
            if isinstance(node, Call) and node.name == name:
                yield from _argument(node, name, check)
    for node, formatted in nodes:
        if isinstance(node, ListOf) and not formatted:
            yield from _list(node, types)
    for node, formatted in nodes:
        if isinstance(node, MapOf) and not formatted:
            yield from _map(node, types)


def _walk(tree: Node, formatted: bool) -> Iterator[tuple[Node, bool]]:
    """Every node, and whether it is an argument of `format`, which takes a mixed list."""
    yield tree, formatted
    formatted = formatted or (isinstance(tree, Call) and tree.name == "format")
    for child in children(tree):
        yield from _walk(child, formatted)


def _pattern(text: str) -> None:
    try:
        compiled(text)
    except PatternError as error:
        raise EvalError(str(error)) from None


_CHECKS: dict[str, Callable[[str], object]] = {
    "duration": parse_duration,
    "timestamp": parse_timestamp,
    "matches": _pattern,
}


def _argument(node: Call, name: str, check: Callable[[str], object]) -> Iterator[Fault]:
    at = 0 if node.target is not None or name != "matches" else 1
    if len(node.args) <= at:
        return
    argument = node.args[at]
    if not isinstance(argument, Literal) or not isinstance(argument.value, str):
        return
    try:
        check(argument.value)
    except EvalError:
        yield argument.at, f"invalid {name} argument"


def _list(node: ListOf, types: Mapping[int, Type]) -> Iterator[Fault]:
    first: Type | None = None
    for at, item in enumerate(node.items):
        held = types[id(item)]
        held = held.params[0] if at in node.optional and held.params else held
        if first is None:
            first = held
        elif held != first:
            yield item.at, f"expected type '{first}' but found '{held}'"
            return


def _map(node: MapOf, types: Mapping[int, Type]) -> Iterator[Fault]:
    firsts: tuple[Type, Type] | None = None
    for key, value, optional in node.entries:
        held = types[id(value)]
        now = types[id(key)], held.params[0] if optional and held.params else held
        if firsts is None:
            firsts = now
        for place, wanted, found in zip((key, value), firsts, now, strict=True):
            if wanted != found:
                yield place.at, f"expected type '{wanted}' but found '{found}'"
