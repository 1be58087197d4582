"""Types as the checker knows them. What is not known is `dyn`, which fits everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Type:
    """`kind` as in function declarations; `elem` of lists and maps, `fields` of objects, `most` the greatest size."""

    kind: str
    elem: Type | None = None
    fields: Mapping[str, Type] | None = None
    most: int | None = None

    def __str__(self) -> str:
        if self.kind == "list":
            return f"list({self.elem or DYN})"
        if self.kind == "map":
            return f"map(string, {self.elem or DYN})"
        return {"opt": "optional_type(dyn)", **_SHOWN}.get(self.kind, self.kind)

    @property
    def known(self) -> bool:
        return self.kind != "dyn"


_SHOWN = {"duration": "google.protobuf.Duration", "timestamp": "google.protobuf.Timestamp"}
DYN, BOOL, INT, UINT, DOUBLE = Type("dyn"), Type("bool"), Type("int"), Type("uint"), Type("double")
STRING, BYTES, NULL = Type("string"), Type("bytes"), Type("null")
OPT = Type("opt")


def list_of(elem: Type, most: int | None = None) -> Type:
    return Type("list", elem, None, most)


def map_of(elem: Type, most: int | None = None) -> Type:
    return Type("map", elem, None, most)


def common(a: Type, b: Type) -> Type:
    """What a value of either type is."""
    if a == b:
        return a
    return a if a.kind == b.kind and a.kind not in ("object", "list", "map") else DYN
