"""The columns of every built-in table, from `columns.json`: name, type, format, priority, description.

A description that begins with `=` names an OpenAPI definition's field, whose documentation it is; `described` puts
the text in. Kinds without an entry have the two columns that any object has.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from cluster.kinds.kind import Cell, Column, Table
from cluster.meta.types import Obj

_META = "=io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta."
NAME = Column("Name", "string", "name", _META + "name")
CREATED_AT = Column("Created At", "date", "", _META + "creationTimestamp")


@cache
def _listed() -> dict[str, list[list[str | int]]]:
    text = resources.files("cluster.kinds").joinpath("columns.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def columns(group: str, resource: str) -> tuple[Column, ...]:
    """The columns of a resource, e.g. ("apps", "deployments")."""
    return tuple(
        Column(str(name), str(kind), str(style), str(text), int(priority))
        for name, kind, style, priority, text in _listed()[f"{group}/{resource}"]
    )


def table(
    group: str,
    resource: str,
    cells: Callable[[Obj, float], list[Cell]],
    order: Callable[[Obj], Any] | None = None,
) -> Table:
    return Table(columns(group, resource), cells, order)


def described(column: Column, documentation: Callable[[str, str], str]) -> str:
    """The description of a column; `documentation(definition, field)` looks up a field of the OpenAPI definitions."""
    if not column.description.startswith("="):
        return column.description
    definition, _, field = column.description[1:].rpartition(".")
    return documentation(definition, field)


def _plain(obj: Obj, _now: float) -> list[Cell]:
    meta = obj.get("metadata") or {}
    return [meta.get("name") or "", meta.get("creationTimestamp")]


DEFAULT = Table((NAME, CREATED_AT), _plain)
"""For kinds that no printer knows."""
