"""The Go types that charts can tell apart, on top of Python's own.

`str` is string, `float` float64, `bool` bool, `None` nil, `bytes` []uint8, a plain `int` int64, a plain `list`
[]interface {} and a plain `dict` map[string]interface {}. The classes below are what remains; each names its Go type
in the class attribute `go_type` and its reflect kind in `go_kind`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

__all__ = [
    "GoInt",
    "GoObject",
    "GoUint64",
    "IntList",
    "ListList",
    "NilList",
    "NilMap",
    "NilStringList",
    "StringList",
    "StringMap",
    "kind_of",
    "type_of",
]


class GoInt(int):
    """Go's `int`: literals, lengths, range indexes."""

    __slots__ = ()
    go_type: ClassVar[str] = "int"
    go_kind: ClassVar[str] = "int"


class GoUint64(int):
    """Go's `uint64`: the parts of a semantic version."""

    __slots__ = ()
    go_type: ClassVar[str] = "uint64"
    go_kind: ClassVar[str] = "uint64"


class StringList(list[str]):
    """[]string."""

    __slots__ = ()
    go_type: ClassVar[str] = "[]string"
    go_kind: ClassVar[str] = "slice"


class NilStringList(StringList):
    """A nil []string."""

    __slots__ = ()
    go_nil: ClassVar[bool] = True


class IntList(list[int]):
    """[]int; holds GoInt."""

    __slots__ = ()
    go_type: ClassVar[str] = "[]int"
    go_kind: ClassVar[str] = "slice"


class ListList(list[list[Any]]):
    """[][]interface {}, what `chunk` makes."""

    __slots__ = ()
    go_type: ClassVar[str] = "[][]interface {}"
    go_kind: ClassVar[str] = "slice"


class StringMap(dict[str, str]):
    """map[string]string: what `split` makes."""

    __slots__ = ()
    go_type: ClassVar[str] = "map[string]string"
    go_kind: ClassVar[str] = "map"


class NilMap(dict[str, Any]):
    """A nil map[string]interface {}: reads as empty, refuses to be written, prints as `map[]`, is `null` in JSON."""

    __slots__ = ()
    go_nil: ClassVar[bool] = True
    go_type: ClassVar[str] = "map[string]interface {}"
    go_kind: ClassVar[str] = "map"


class NilList(list[Any]):
    """A nil []interface {}: reads and prints as empty, is `null` in JSON."""

    __slots__ = ()
    go_type: ClassVar[str] = "[]interface {}"
    go_kind: ClassVar[str] = "slice"
    go_nil: ClassVar[bool] = True


class GoObject:
    """A Go struct (or a pointer to one) that templates meet: fields by name, methods by name.

    Subclasses set `go_type` and `go_kind` ("struct" or "ptr") and answer `go_fields`; those with a String method
    answer `go_string`; `go_methods` are what templates may call on it.
    """

    go_type: ClassVar[str] = "struct {}"
    go_kind: ClassVar[str] = "struct"
    go_string_by_address: ClassVar[bool] = False
    """Whether String belongs to the pointer: then an action prints by it, print and printf do not."""

    def go_fields(self) -> dict[str, Any]:
        """The exported fields, in the struct's order."""
        return {}

    def go_printed(self) -> list[Any]:
        """The values of all fields, unexported ones too, as %v shows them."""
        return list(self.go_fields().values())

    def go_string(self) -> str | None:
        """What String() says; None when the type has no such method."""
        return None

    def go_json(self) -> Any:
        """What encoding/json makes of it."""
        return self.go_fields()

    def go_methods(self) -> dict[str, Callable[..., Any]]:
        """The methods a template may call, by name."""
        return {}


_TYPES: dict[type, str] = {
    str: "string",
    float: "float64",
    bool: "bool",
    int: "int64",
    GoInt: "int",
    dict: "map[string]interface {}",
    list: "[]interface {}",
    type(None): "<nil>",
    bytes: "[]uint8",
    complex: "complex128",
}

_KINDS: dict[type, str] = {
    str: "string",
    float: "float64",
    bool: "bool",
    int: "int64",
    GoInt: "int",
    dict: "map",
    list: "slice",
    type(None): "invalid",
    bytes: "slice",
    complex: "complex128",
}


def _by_base(value: object, table: dict[type, str]) -> str:
    for base in (bool, int, str, float, dict, list, bytes):
        if isinstance(value, base):
            return table[base]
    return type(value).__name__


def type_of(value: object) -> str:
    """Go's name of the value's type, `<nil>` for nil."""
    found = _TYPES.get(type(value))
    if found is not None:
        return found
    return getattr(value, "go_type", "") or _by_base(value, _TYPES)


def kind_of(value: object) -> str:
    """reflect.Kind's name: string, float64, map, slice, struct, ptr, func, invalid …"""
    found = _KINDS.get(type(value))
    if found is not None:
        return found
    return getattr(value, "go_kind", "") or _by_base(value, _KINDS)
