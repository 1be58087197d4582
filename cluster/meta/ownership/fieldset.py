"""Sets of field paths, the currency of field ownership.

A path is a chain of elements written as in fieldsV1: `f:name` a field, `k:{"name":"c"}` an element of a keyed list,
`v:"x"` an element of a set. A `FieldSet` is a tree: `members` are elements that end a path here, `children` lead on;
an element may be both. Sets are never changed once they are shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from cluster.meta.structure import Structure

Path = tuple[str, ...]


_SORTS = frozenset(("f:", "k:", "v:", "i:"))
"""Of path elements: a field, an item by its keys, by its value, by its index."""


class FieldSet:
    __slots__ = ("children", "members")

    def __init__(self, members: set[str] | None = None, children: dict[str, FieldSet] | None = None) -> None:
        self.members: set[str] = members if members is not None else set()
        self.children: dict[str, FieldSet] = children if children is not None else {}

    def __bool__(self) -> bool:
        return bool(self.members) or bool(self.children)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSet) and self.members == other.members and self.children == other.children

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, *paths: Path) -> FieldSet:
        out = cls()
        for path in paths:
            here = out
            for element in path[:-1]:
                here = here.children.setdefault(element, cls())
            here.members.add(path[-1])
        return out

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> FieldSet:
        """Read fieldsV1; elements of unknown sorts are passed over."""
        out = cls()
        for element, below in fields.items():
            if element[:2] not in _SORTS:
                continue
            if not below or "." in below:
                out.members.add(element)
            if below and (len(below) > 1 or "." not in below):
                out.children[element] = cls.from_fields(below)
        return out

    def to_fields(self) -> dict[str, Any]:
        """Write fieldsV1."""
        out: dict[str, Any] = {}
        for element in sorted(self.members | self.children.keys()):
            below = self.children.get(element)
            fields = below.to_fields() if below else {}
            out[element] = {".": {}, **fields} if fields and element in self.members else fields
        return out

    def paths(self, prefix: Path = ()) -> Iterator[Path]:
        """Every path: those that end here first, each level in order."""
        for element in sorted(self.members):
            yield (*prefix, element)
        for element in sorted(self.children):
            yield from self.children[element].paths((*prefix, element))

    def union(self, other: FieldSet) -> FieldSet:
        if not other:
            return self
        if not self:
            return other
        children = dict(self.children)
        for element, below in other.children.items():
            mine = children.get(element)
            children[element] = mine.union(below) if mine else below
        return FieldSet(self.members | other.members, children)

    def intersection(self, other: FieldSet) -> FieldSet:
        children = {}
        for element in self.children.keys() & other.children.keys():
            below = self.children[element].intersection(other.children[element])
            if below:
                children[element] = below
        return FieldSet(self.members & other.members, children)

    def difference(self, other: FieldSet) -> FieldSet:
        """Paths of this set that are not, as such, in the other."""
        if not other:
            return self
        children = {}
        for element, below in self.children.items():
            theirs = other.children.get(element)
            rest = below.difference(theirs) if theirs else below
            if rest:
                children[element] = rest
        return FieldSet(self.members - other.members, children)

    def without(self, other: FieldSet) -> FieldSet:
        """Paths of this set that are neither in the other nor below one of its paths."""
        if not other:
            return self
        children = {}
        for element, below in self.children.items():
            if element in other.members:
                continue
            theirs = other.children.get(element)
            rest = below.without(theirs) if theirs else below
            if rest:
                children[element] = rest
        return FieldSet(self.members - other.members, children)

    def with_named_fields(self, structure: Structure) -> FieldSet:
        """The set with every named struct field on the way to a path taken in."""
        members = set(self.members)
        children = {}
        for element, below in self.children.items():
            named = element.startswith("f:") and structure.fields is not None
            if named and structure.fields is not None and element[2:] in structure.fields.names:
                members.add(element)
            children[element] = below.with_named_fields(step(structure, element))
        return FieldSet(members, children)


def step(structure: Structure, element: str) -> Structure:
    """The structure below a path element."""
    from cluster.meta.structure import ANY

    if element.startswith("f:"):
        return structure.field(element[2:]) or ANY
    return structure.item()


def field_element(name: str) -> str:
    return f"f:{name}"


def value_element(value: Any) -> str:
    return "v:" + orjson.dumps(value).decode()


def key_element(keys: dict[str, Any]) -> str:
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def show(path: Path) -> str:
    """A path as messages write it: `.spec.containers[name="c"].image`."""
    return "".join(show_element(element) for element in path)


def show_element(element: str) -> str:
    kind, _, rest = element.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        pairs = ",".join(f"{key}={orjson.dumps(value).decode()}" for key, value in orjson.loads(rest).items())
        return f"[{pairs}]"
    return f"[={rest}]" if kind == "v" else f"[{rest}]"
