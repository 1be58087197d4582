"""Custom resources between the version they are stored in and the one they are asked for in.

The order is that of Kubernetes' codec: what is stored is pruned and defaulted by the schema of its own version, then
converted, then pruned by the schema of the version wanted; the other way it is converted and pruned. It must not know
how a webhook is asked.
"""

from __future__ import annotations

from cluster.apiserver.registry.entry import Entry
from cluster.kinds.kind import Conversion, Kind
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.types import Obj


def read(conversion: Conversion, stored: Obj, api_version: str) -> Obj:
    """A stored object in a version that takes no webhook. Raises StatusError."""
    out = _known(conversion, stored)
    if out["apiVersion"] == api_version:
        return out
    if conversion.ask is not None:
        raise StatusError(500, "", f"{api_version} of an object was asked for before it was converted")
    return _renamed(conversion, out, api_version)


def _known(conversion: Conversion, stored: Obj) -> Obj:
    if stored["apiVersion"] not in conversion.known:
        raise StatusError(500, "", f"request to convert CR from an invalid group/version: {stored['apiVersion']}")
    return conversion.read(stored)


def _renamed(conversion: Conversion, obj: Obj, api_version: str) -> Obj:
    return conversion.settle({**obj, "apiVersion": api_version})


def renewed(kind: Kind, entry: Entry, obj: Obj) -> Entry:
    """The view of an entry as `obj`: the entry itself where that is what it holds."""
    return entry if obj == entry.obj else entry.shown_as(obj)


async def show_converted(kind: Kind, conversion: Conversion, entries: list[Entry]) -> None:
    """Convert all at once and keep the views at their entries. Raises StatusError."""
    assert conversion.ask is not None
    # The revision is the store's own: who converts is not told it.
    found = await conversion.ask([_bare(_known(conversion, e.obj)) for e in entries], kind.api_version)
    for entry, obj in zip(entries, found, strict=True):
        settled = conversion.settle(obj)
        settled["metadata"]["resourceVersion"] = str(entry.revision)
        entry.show(kind, entry.shown_as(settled))


def _bare(obj: Obj) -> Obj:
    obj["metadata"].pop("resourceVersion", None)
    return obj


async def written(conversion: Conversion, obj: Obj) -> Obj:
    """An object in the version it is stored in. Raises StatusError."""
    if obj["apiVersion"] == conversion.storage:
        return obj
    if conversion.ask is None:
        return _renamed(conversion, obj, conversion.storage)
    found = await conversion.ask([_bare(clone(obj))], conversion.storage)
    return conversion.settle(found[0])
