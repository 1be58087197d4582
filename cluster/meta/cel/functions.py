"""The table of functions: by name, with the types they take and give, for the checker and the evaluator alike.

`@function("string.contains(string) bool")` declares a method, without the receiver a plain function. Types are
written as in `types`; `dyn` takes anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from cluster.meta.cel.values import Budget, Duration, Opt, TypeValue, UInt, no_overload

Implementation = Callable[..., Any]


class Overload(NamedTuple):
    takes: tuple[str, ...]
    gives: str
    run: Implementation


_TABLE: dict[tuple[str, bool], list[Overload]] = {}
_SHAPE = re.compile(r"(?:(?P<on>\w+)\.)?(?P<name>[\w.]+)\((?P<args>[^)]*)\) (?P<gives>\S+)")


def function(*declarations: str) -> Callable[[Implementation], Implementation]:
    """Enter an implementation under its declarations; `optional.of` and the like are declared with `fn `."""

    def enter(run: Implementation) -> Implementation:
        for text in declarations:
            plain = text.startswith("fn ")
            on, name, takes, gives = _read(text.removeprefix("fn "), plain)
            args = ((on,) if on else ()) + takes
            _TABLE.setdefault((name, bool(on)), []).append(Overload(args, gives, run))
        return run

    return enter


def _read(text: str, plain: bool) -> tuple[str, str, tuple[str, ...], str]:
    found = _SHAPE.fullmatch(text)
    assert found is not None, text
    on, name = found["on"] or "", found["name"]
    if plain and on:
        on, name = "", f"{on}.{name}"
    takes = tuple(arg.strip() for arg in found["args"].split(",") if arg.strip())
    return on, name, takes, found["gives"]


def overloads(name: str, method: bool) -> list[Overload]:
    """Every way to call a name; empty where there is none."""
    _load()
    return _TABLE.get((name, method), [])


_loaded = False


def _load() -> None:
    global _loaded
    if not _loaded:
        _loaded = True
        from cluster.meta.cel import library_core, library_kubernetes, library_text  # noqa: F401


_KINDS: dict[type, str] = {
    bool: "bool",
    UInt: "uint",
    int: "int",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    Duration: "duration",
    datetime: "timestamp",
    Opt: "opt",
    TypeValue: "type",
    type(None): "null",
}


def kind_of(value: Any) -> str:
    """The name under which a value's type stands in declarations."""
    found = _KINDS.get(type(value))
    if found is not None:
        return found
    return str(getattr(value, "cel_type", "map" if isinstance(value, dict) else "dyn"))


def base(name: str) -> str:
    """`list:string` -> `list`."""
    return name.partition(":")[0]


def call(name: str, method: bool, args: list[Any], budget: Budget) -> Any:
    """Run the overload that fits. Raises EvalError."""
    kinds = [kind_of(arg) for arg in args]
    for takes, _, run in overloads(name, method):
        if len(takes) == len(kinds) and all(
            base(want) in (kind, "dyn") for want, kind in zip(takes, kinds, strict=True)
        ):
            for arg in args:
                if isinstance(arg, str | list):
                    budget.spend(len(arg) // 10)
            return run(*args)
    raise no_overload()
