"""metadata.managedFields: reading, writing, ordering and capping its entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from cluster.meta.ownership.fieldset import FieldSet
from cluster.meta.types import Obj

MAX_UPDATE_MANAGERS = 10
ANCIENT = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"
APPLY, UPDATE = "Apply", "Update"


class Manager(NamedTuple):
    """Who owns: appliers are one manager whatever version they write in, updaters one for each version."""

    name: str
    operation: str
    api_version: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        """As conflict messages name a manager."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


@dataclass(slots=True)
class Owned:
    """What a manager owns, in which version it said so, and when it last changed something."""

    fields: FieldSet
    api_version: str
    time: str = ""


Managed = dict[Manager, Owned]


def decode(entries: Any) -> Managed:
    """Read managedFields; entries that cannot be read make the whole of it void, as the API server has it."""
    out: Managed = {}
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("operation") not in (APPLY, UPDATE):
            return {}
        if entry.get("fieldsType") != "FieldsV1":
            return {}
        version = str(entry.get("apiVersion") or "")
        identity = version if entry["operation"] == UPDATE else ""
        fields = entry.get("fieldsV1")
        key = Manager(
            str(entry.get("manager") or ""), entry["operation"], identity, str(entry.get("subresource") or "")
        )
        owned = FieldSet.from_fields(fields if isinstance(fields, dict) else {})
        out[key] = Owned(owned, version, str(entry.get("time") or ""))
    return out


def encode(managed: Managed) -> list[dict[str, Any]]:
    """Write managedFields: appliers first, each in order of time, then of name."""
    entries = [_entry(manager, owned) for manager, owned in managed.items()]
    entries.sort(key=_order)
    return entries


def _order(entry: dict[str, Any]) -> tuple[str, str, str, str, str]:
    return (
        entry["operation"],
        entry.get("time", ""),
        entry["manager"],
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def _entry(manager: Manager, owned: Owned) -> dict[str, Any]:
    out: dict[str, Any] = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": owned.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned.fields.to_fields(),
    }
    if owned.time:
        out["time"] = owned.time
    if manager.subresource:
        out["subresource"] = manager.subresource
    return out


def cap(managed: Managed) -> None:
    """Merge the oldest updaters until no more than the limit are left."""
    updaters = [manager for manager in managed if manager.operation == UPDATE]
    count = len(updaters)
    if count <= MAX_UPDATE_MANAGERS:
        return
    updaters.sort(key=lambda manager: (managed[manager].time, manager))
    first: dict[str, Manager] = {}
    for manager in updaters:
        if count <= MAX_UPDATE_MANAGERS:
            return
        owned = managed[manager]
        if owned.api_version not in first:
            first[owned.api_version] = manager
            continue
        bucket = Manager(ANCIENT, UPDATE, owned.api_version)
        if bucket not in managed:
            managed[bucket] = managed.pop(first[owned.api_version])
        merged = owned.fields.union(managed[bucket].fields)
        if manager != bucket:
            del managed[manager]
        managed[bucket] = Owned(merged, owned.api_version, owned.time)
        count -= 1


def with_managed(obj: Obj, managed: Managed) -> Obj:
    """The object with its managedFields replaced; the object given is not changed."""
    metadata = dict(obj.get("metadata") or {})
    entries = encode(managed)
    if entries:
        metadata["managedFields"] = entries
    else:
        metadata.pop("managedFields", None)
    return {**obj, "metadata": metadata}


def without_managed(obj: Obj) -> Obj:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
