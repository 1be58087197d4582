"""Configuration kinds (apiserver.config.k8s.io and the like): is this the kind, and has it just the fields it may have.

Shapes are written as the documents look. Meanings are checked by whoever uses the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from cluster.meta.types import Obj

Shape: TypeAlias = Any
"""`str`, `int`, `bool`; `dict` for any mapping; `[shape]` for a list; `{"field": shape}` for just these fields."""
_CALLED = {str: "a text", int: "a number", bool: "true or false", dict: "a mapping"}


def check_kind(document: Obj, api_version: str, kind: str) -> None:
    """Raises ValueError."""
    for name, wanted in (("apiVersion", api_version), ("kind", kind)):
        if document.get(name) != wanted:
            raise ValueError(f"{name}: expected {wanted}, not {document.get(name)!r}")


def check_shape(document: Obj, shape: Mapping[str, Shape]) -> None:
    """Raises ValueError, a line for each field that is unknown or of another type. Nulls count as absent."""
    faults = list(_faults(document, {"apiVersion": str, "kind": str, **shape}, ""))
    if faults:
        raise ValueError("\n".join(faults))


def _faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if value is None:
        return
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{path}: expected a list"
            return
        for at, item in enumerate(value):
            yield from _faults(item, shape[0], f"{path}[{at}]")
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{path}: expected a mapping"
            return
        for name, item in value.items():
            place = f"{path}.{name}" if path else str(name)
            if name in shape:
                yield from _faults(item, shape[name], place)
            else:
                yield f"{place}: unknown field"
    elif not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
        yield f"{path}: expected {_CALLED[shape]}"
