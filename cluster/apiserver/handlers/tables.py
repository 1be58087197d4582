"""Tables and partial metadata: what kubectl prints, and what metadata-only informers read."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.registry import Registry
from cluster.kinds.kind import Column, Table
from cluster.meta import errors
from cluster.meta.types import Obj

NAME_DESCRIPTION = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow "
    "a client to request the generation of an appropriate name automatically. Name is primarily intended for "
    "creation idempotence and configuration definition. Cannot be updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)
CREATED_DESCRIPTION = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not "
    "guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is "
    "represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


def _plain_cells(obj: Obj, _now: float) -> list[Any]:
    meta = obj["metadata"]
    return [meta.get("name", ""), meta.get("creationTimestamp")]


PLAIN = Table(
    (
        Column("Name", "string", "name", NAME_DESCRIPTION),
        Column("Created At", "date", "", CREATED_DESCRIPTION),
    ),
    _plain_cells,
)


def include_object(text: str) -> str:
    """The includeObject parameter; raises 400."""
    if text not in ("", "None", "Metadata", "Object"):
        raise errors.bad_request(f"unrecognized includeObject value: {text!r}".replace("'", '"'))
    return text or "Metadata"


def partial(obj: Obj, version: str, *, typed: bool = True) -> Obj:
    """PartialObjectMetadata of an object."""
    head = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}"} if typed else {}
    return {**head, "metadata": obj["metadata"]}


def table(
    registry: Registry, entries: list[Entry], version: str, meta: dict[str, Any], include: str, *, columns: bool = True
) -> Obj:
    """A Table of entries. `columns` is False for all but the first frame of a watch."""
    layout = registry.kind.table or PLAIN
    now = registry.services.clock.now()
    out: Obj = {"kind": "Table", "apiVersion": f"meta.k8s.io/{version}", "metadata": meta}
    out["columnDefinitions"] = _definitions(layout) if columns else None
    out["rows"] = [_row(registry.present(e), layout, now, version, include) for e in entries]
    return out


def _row(obj: Obj, layout: Table, now: float, version: str, include: str) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": layout.cells(obj, now)}
    if include == "None":
        row["object"] = None
    else:
        row["object"] = obj if include == "Object" else partial(obj, version)
    return row


def _definitions(layout: Table) -> list[dict[str, Any]]:
    return [
        {
            "name": c.name,
            "type": c.type,
            "format": c.format,
            "description": c.description,
            "priority": c.priority,
        }
        for c in layout.columns
    ]
