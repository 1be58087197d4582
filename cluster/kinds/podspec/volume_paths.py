"""What several volume sources have in common: paths inside them, file modes, the files made of keys and fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec.env import VOLUME_FIELDS, field_ref, resource_field_ref
from cluster.meta.field import Path, invalid, required

Source = dict[str, Any]
Check = Callable[[Path, Source], Faults]

_MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def mode(path: str, value: int | None) -> Faults:
    return [invalid(path, value, _MODE)] if value is not None and not 0 <= value <= 0o777 else []


def local_path(path: Path, value: str) -> Faults:
    """A relative path that stays below its directory, and whose first part does not begin with two dots."""
    faults: Faults = []
    if value.startswith("/"):
        faults.append(invalid(path, value, "must be a relative path"))
    faults += checks.no_backsteps(path, value)
    if value.startswith("..") and not value.startswith("../"):
        faults.append(invalid(path, value, "must not start with '..'"))
    return faults


def needs(*fields: str) -> Check:
    """A source some of whose fields are required, and about which nothing else is asked."""

    def check(path: Path, source: Source) -> Faults:
        return [required(path / name) for name in fields if not source.get(name)]

    return check


def key_to_path(path: Path, item: dict[str, Any]) -> Faults:
    faults: Faults = [] if item.get("key") else [required(path / "key")]
    if not item.get("path"):
        faults.append(required(path / "path"))
    faults += local_path(path / "path", item.get("path") or "")
    return faults + mode(path / "mode", item.get("mode"))


def items(path: Path, source: Source) -> Faults:
    faults: Faults = []
    for at, item in enumerate(source.get("items") or ()):
        faults += key_to_path((path / "items")[at], item)
    return faults


def downward_item(path: Path, item: dict[str, Any]) -> Faults:
    faults: Faults = [] if item.get("path") else [required(path / "path")]
    faults += local_path(path / "path", item.get("path") or "")
    if item.get("fieldRef") is not None:
        faults += field_ref(path / "fieldRef", item["fieldRef"], VOLUME_FIELDS)
        if item.get("resourceFieldRef") is not None:
            faults.append(
                invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            )
    elif item.get("resourceFieldRef") is not None:
        faults += resource_field_ref(path / "resourceFieldRef", item["resourceFieldRef"], in_volume=True)
    else:
        faults.append(required(path, "one of fieldRef and resourceFieldRef is required"))
    return faults + mode(path / "mode", item.get("mode"))
