"""The structure of an object: what is a struct, a map, a list with keys, an atom.

Strategic merge and server-side apply ask nothing else of a schema. A `Structure` is built from the OpenAPI
definitions or from a custom resource's schema elsewhere; this module knows neither. Fields are built on demand,
for schemas may be recursive and objects use little of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class Fields:
    """Named sub-structures, built when first asked for."""

    __slots__ = ("_build", "_built", "names")

    def __init__(self, names: frozenset[str], build: Callable[[str], Structure]) -> None:
        self.names = names
        self._build = build
        self._built: dict[str, Structure] = {}

    def get(self, name: str) -> Structure | None:
        found = self._built.get(name)
        if found is None and name in self.names:
            found = self._built[name] = self._build(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)


class Structure:
    """One node. `shape` is struct, map, list, scalar or any (no schema: structure is deduced from the value).

    `scalar` is string, number, boolean or untyped. Of a list, `list_type` is atomic, set or map and `keys` are the
    names that identify an element; `merge_key` and `strategies` are those of strategic merge. `atomic` marks structs
    and maps that are owned as a whole. `defaults` are the values of omitted list-map keys.
    """

    __slots__ = (
        "atomic", "defaults", "element", "fields", "keys", "list_type", "merge_key", "name", "open", "scalar",
        "shape", "strategies",
    )  # fmt: skip

    def __init__(
        self,
        shape: str,
        *,
        name: str = "",
        fields: Fields | None = None,
        element: Callable[[], Structure] | None = None,
        list_type: str = "atomic",
        keys: tuple[str, ...] = (),
        atomic: bool = False,
        scalar: str = "untyped",
    ) -> None:
        self.shape = shape
        self.name = name
        self.fields = fields
        self.element = element
        self.list_type = list_type
        self.keys = keys
        self.atomic = atomic
        self.scalar = scalar
        self.merge_key = ""
        self.strategies: tuple[str, ...] = ()
        self.defaults: dict[str, Any] = {}
        self.open = False
        """A struct that also takes fields it does not name."""

    def field(self, name: str) -> Structure | None:
        """What stands under a key of a struct or map; None where a struct has no such field."""
        if self.fields is not None:
            found = self.fields.get(name)
            if found is not None:
                return found
        if self.element is not None and self.shape == "map":
            return self.element()
        return ANY if self.open or self.shape == "any" else None

    def item(self) -> Structure:
        """What stands in a list or a map."""
        return self.element() if self.element is not None else ANY


ANY = Structure("any")
"""No schema: maps are granular, lists atomic."""

OPAQUE = Structure("any", atomic=True)
"""No schema, and owned as a whole: embedded raw JSON."""
