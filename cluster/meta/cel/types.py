"""Types as the checker knows them, and when one stands for another. What is not known is `dyn`, which fits everywhere.

Unification follows cel-go: type parameters are bound as calls are resolved, the more general of two types winning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Type:
    """`kind` is one of bool, int, uint, double, string, bytes, null, duration, timestamp, dyn, error, list, map, type,
    opt, opaque, object or param; the last three have a `name`. `fields` are those of an object."""

    kind: str
    params: tuple[Type, ...] = ()
    name: str = ""
    fields: Mapping[str, Type] | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """As cel-go writes it in faults."""
        return self._text(_FAULTS)

    @property
    def full(self) -> str:
        """As cel-go writes it elsewhere."""
        return self._text(_NAMES)

    def _text(self, names: Mapping[str, str]) -> str:
        name = self.name or names.get(self.kind, self.kind)
        return f"{name}({', '.join(p._text(names) for p in self.params)})" if self.params else name

    @property
    def known(self) -> bool:
        return self.kind not in ("dyn", "error")


_NAMES = {
    "duration": "google.protobuf.Duration",
    "timestamp": "google.protobuf.Timestamp",
    "opt": "optional_type",
    "null": "null_type",
    "error": "*error*",
}
_FAULTS = {"opt": "optional_type", "error": "!error!"}
DYN, BOOL, INT, UINT, DOUBLE = Type("dyn"), Type("bool"), Type("int"), Type("uint"), Type("double")
STRING, BYTES, NULL, ERROR = Type("string"), Type("bytes"), Type("null"), Type("error")
DURATION, TIMESTAMP = Type("duration"), Type("timestamp")


def list_of(elem: Type) -> Type:
    return Type("list", (elem,))


def map_of(elem: Type, key: Type = STRING) -> Type:
    return Type("map", (key, elem))


def opt_of(held: Type) -> Type:
    return Type("opt", (held,))


def type_of(held: Type) -> Type:
    """The type of a type."""
    return Type("type", (held,))


def object_of(name: str, fields: Mapping[str, Type]) -> Type:
    return Type("object", (), name, fields)


_PLAIN = {
    t.full: t for t in (DYN, BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL, DURATION, TIMESTAMP)
}  # fmt: skip
_OPAQUE = frozenset(("net.IP", "net.CIDR"))
_TOKEN = re.compile(r"[\w.]+|<\w+>|[(),]")


@lru_cache(maxsize=256)
def read(text: str) -> Type:
    """`list(<T>)` -> the type."""
    tokens = _TOKEN.findall(text)
    found, _ = _read(tokens, 0)
    return found


def _read(tokens: Sequence[str], at: int) -> tuple[Type, int]:
    name, params = tokens[at], []
    at += 1
    if at < len(tokens) and tokens[at] == "(":
        while tokens[at] != ")":
            param, at = _read(tokens, at + 1)
            params.append(param)
        at += 1
    return _named(name, tuple(params)), at


def _named(name: str, params: tuple[Type, ...]) -> Type:
    if name.startswith("<"):
        return Type("param", (), name.strip("<>"))
    if name in ("list", "map", "type"):
        return Type(name, params)
    if name == "optional_type":
        return Type("opt", params)
    return _PLAIN.get(name) or (Type("opaque", params, name) if name in _OPAQUE else object_of(name, {}))


Bindings = dict[Type, Type]


def substitute(bound: Bindings, held: Type, to_dyn: bool = False) -> Type:
    """A type with its bound parameters replaced; unbound ones by `dyn` where asked for."""
    while held in bound:
        held = bound[held]
    if held.kind == "param":
        return DYN if to_dyn else held
    if not held.params:
        return held
    return Type(held.kind, tuple(substitute(bound, p, to_dyn) for p in held.params), held.name, held.fields)


def assignable(bound: Bindings, given: Sequence[Type], wanted: Sequence[Type]) -> Bindings | None:
    """The bindings under which all given types fit the wanted ones; None where they do not."""
    trial = dict(bound)
    fits = len(given) == len(wanted) and all(_fits(trial, a, b) for a, b in zip(given, wanted, strict=True))
    return trial if fits else None


def _fits(bound: Bindings, a: Type, b: Type) -> bool:
    if b.kind == "param":
        valid, had = _binds(bound, a, b)
        if valid or had:
            return valid
    if a.kind == "param":
        return _binds(bound, b, a)[0]
    if not a.known or not b.known:
        return True
    if a.kind == "null":
        return _nullable(b)
    if b.kind == "null":
        return _nullable(a)
    if a.kind != b.kind or a.name != b.name:
        return False
    if a.kind == "type":
        return True
    return len(a.params) == len(b.params) and all(_fits(bound, x, y) for x, y in zip(a.params, b.params, strict=True))


def _nullable(held: Type) -> bool:
    return held.kind in ("opt", "opaque", "object", "duration", "timestamp", "null")


def _binds(bound: Bindings, a: Type, param: Type) -> tuple[bool, bool]:
    """Whether `param` may stand for `a`, and whether it was bound before."""
    if a == param:
        return True, True
    held = bound.get(param)
    if held is None:
        if _free_of(bound, param, a):
            bound[param] = a
            return True, False
        return False, False
    if a == held:
        return True, True
    if not _fits(bound, a, held):
        return False, True
    general = most_general(a, held)
    if _free_of(bound, param, general):
        bound[param] = general
    return True, True


def _free_of(bound: Bindings, param: Type, held: Type) -> bool:
    """Whether a type does not contain a parameter, so that binding it makes no circle."""
    if held == param:
        return False
    if held.kind == "param":
        return held not in bound or _free_of(bound, param, bound[held])
    return all(_free_of(bound, param, p) for p in held.params)


def most_general(a: Type, b: Type) -> Type:
    return a if _no_more_special(a, b) else b


def _no_more_special(a: Type, b: Type) -> bool:
    if a.kind in ("dyn", "param"):
        return True
    if b.kind in ("dyn", "param") or a.kind != b.kind or a.name != b.name or len(a.params) != len(b.params):
        return False
    return a.kind == "type" or all(_no_more_special(x, y) for x, y in zip(a.params, b.params, strict=True))
