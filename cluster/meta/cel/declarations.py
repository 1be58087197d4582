"""Which functions Kubernetes' expressions may call: identifiers of overloads, what they take and give.

`declarations.json` lists them in the order in which they are tried; the identifiers name entries of the cost tables.
Facts of the CEL environment of Kubernetes 1.36. The implementations are in the `library_*` modules.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from cluster.meta.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
    opt_of,
    read,
    type_of,
)


@dataclass(frozen=True, slots=True)
class Declared:
    """One overload. `parameters` are the names of its type parameters."""

    id: str
    member: bool
    takes: tuple[Type, ...]
    gives: Type
    parameters: tuple[str, ...]


@cache
def _listed() -> dict[str, list[list[object]]]:
    text = resources.files("cluster.meta.cel").joinpath("declarations.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


_FOR_PATCHES = {"jsonpatch.escapeKey": ["jsonpatch_escape_key", 0, ["string"], "string"]}
"""Functions that only expressions know which make patches."""


@cache
def declared(name: str, patches: bool = False) -> tuple[Declared, ...]:
    """The overloads of a function; none where there is no such function."""
    if patches and name in _FOR_PATCHES:
        return (_declared(*_FOR_PATCHES[name]),)  # type: ignore[arg-type]
    return tuple(_declared(*entry) for entry in _listed().get(name, ()))  # type: ignore[arg-type]


def _declared(id: str, member: int, takes: list[str], gives: str) -> Declared:
    types = tuple(read(text) for text in takes)
    result = read(gives)
    names = dict.fromkeys(name for held in (*types, result) for name in _parameters(held))
    return Declared(id, bool(member), types, result, tuple(names))


def _parameters(held: Type) -> list[str]:
    if held.kind == "param":
        return [held.name]
    return [name for inner in held.params for name in _parameters(inner)]


_BARE_NAMES = (
    "kubernetes.NamedFormat", "kubernetes.Quantity", "kubernetes.Semver", "kubernetes.URL",
    "kubernetes.authorization.Authorizer", "kubernetes.authorization.Decision",
    "kubernetes.authorization.GroupCheck", "kubernetes.authorization.PathCheck",
    "kubernetes.authorization.ResourceCheck",
)  # fmt: skip
BARE = frozenset(_BARE_NAMES)
"""Objects that have functions and no fields."""
_TYPES: dict[str, Type] = {
    "bool": BOOL,
    "bytes": BYTES,
    "double": DOUBLE,
    "google.protobuf.Duration": DURATION,
    "google.protobuf.Timestamp": TIMESTAMP,
    "int": INT,
    "list": list_of(DYN),
    "map": map_of(DYN, DYN),
    "null_type": NULL,
    "optional_type": opt_of(DYN),
    "string": STRING,
    "uint": UINT,
    "net.IP": read("net.IP"),
    "net.CIDR": read("net.CIDR"),
    **{name: read(name) for name in _BARE_NAMES},
}


def named_type(name: str) -> Type | None:
    """The type of the name of a type: `type(int)` for `int`."""
    found = type_of(type_of(DYN)) if name == "type" else _TYPES.get(name) and type_of(_TYPES[name])
    return found or None
