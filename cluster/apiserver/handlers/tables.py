"""Tables and partial metadata: what kubectl prints, and what metadata-only informers read."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.registry import Registry
from cluster.kinds import columns
from cluster.kinds.kind import Table
from cluster.meta import errors
from cluster.meta.types import Obj

PLAIN = columns.DEFAULT


def include_object(text: str) -> str:
    """The includeObject parameter; raises 400."""
    if text not in ("", "None", "Metadata", "Object"):
        why = f"Invalid value: \"{text}\": must be 'Metadata', 'Object', 'None', or empty"
        raise errors.bad_request(f"Unable to convert to Table as requested: includeObject: {why}")
    return text or "Metadata"


def partial(obj: Obj, version: str, *, typed: bool = True) -> Obj:
    """PartialObjectMetadata of an object."""
    head = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}"} if typed else {}
    return {**head, "metadata": obj["metadata"]}


def table(
    registry: Registry,
    entries: list[Entry],
    version: str,
    meta: dict[str, Any],
    include: str,
    *,
    headed: bool = True,
) -> Obj:
    """A Table of entries. `headed` is False for all but the first frame of a watch."""
    layout = registry.kind.table or PLAIN
    now = registry.services.clock.now()
    out: Obj = {"kind": "Table", "apiVersion": f"meta.k8s.io/{version}", "metadata": meta}
    out["columnDefinitions"] = _definitions(registry, layout) if headed else None
    objects = [registry.present(entry) for entry in entries]
    if layout.order is not None:
        objects.sort(key=layout.order)
    rows = [_row(obj, layout, now, version, include) for obj in objects]
    # The plain printer of Kubernetes writes null for no rows, the others an empty list.
    out["rows"] = rows if rows or layout.columns != PLAIN.columns else None
    return out


def table_of(registry: Registry, obj: Obj, layout: Table, version: str, include: str) -> Obj:
    """A Table of one object that is not the registry's own."""
    meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
    row = _row(obj, layout, registry.services.clock.now(), version, include)
    head: Obj = {"kind": "Table", "apiVersion": f"meta.k8s.io/{version}", "metadata": meta}
    return {**head, "columnDefinitions": _definitions(registry, layout), "rows": [row]}


def _row(obj: Obj, layout: Table, now: float, version: str, include: str) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": layout.cells(obj, now)}
    if include == "None":
        row["object"] = None
    else:
        row["object"] = obj if include == "Object" else partial(obj, version)
    conditions = _FINISHED.get((obj.get("status") or {}).get("phase", "")) if obj.get("kind") == "Pod" else None
    if conditions is not None:
        row["conditions"] = [conditions]
    return row


_FINISHED = {
    "Succeeded": {
        "type": "Completed",
        "status": "True",
        "reason": "Succeeded",
        "message": "The pod has completed successfully.",
    },
    "Failed": {"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."},
}


def _definitions(registry: Registry, layout: Table) -> list[dict[str, Any]]:
    look_up = registry.services.documentation
    return [
        {
            "name": c.name,
            "type": c.type,
            "format": c.format,
            "description": columns.described(c, look_up),
            "priority": c.priority,
        }
        for c in layout.columns
    ]
