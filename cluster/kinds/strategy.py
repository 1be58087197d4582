"""Strategies in parts: what writing a kind has in common with writing others.

A write of the object itself never touches its status; a write through `status` touches nothing else. Each part here
is one such rule, for kinds to compose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.kinds.checks import Faults
from cluster.kinds.kind import Strategy, Subresource
from cluster.kinds.wire import fields, shape
from cluster.meta.types import Obj

Default = Callable[[Obj], None]
STATUS_VERBS = ("get", "patch", "update")
_IDENTITY = frozenset(("apiVersion", "kind", "metadata", "status"))


def nothing(_: Obj) -> None:
    return None


def no_change(_new: Obj, _old: Obj) -> None:
    return None


def clear_status(definition: str) -> Callable[[Obj], None]:
    """A new object has no status but what is always written."""
    ref = fields(definition).get("status", "").partition(" ")[2]

    def clear(obj: Obj) -> None:
        obj["status"] = {}
        shape(obj["status"], ref)

    return clear


def keep_status(new: Obj, old: Obj) -> None:
    """An update through the object itself leaves the status alone."""
    carry(new, old, "status")


def carry(new: Obj, old: Obj, name: str) -> None:
    """Take a field from the old object, its absence included."""
    if name in old:
        new[name] = old[name]
    else:
        new.pop(name, None)


def carry_meta(*names: str) -> Callable[[Obj, Obj], None]:
    """Take fields of the metadata from the old object."""

    def keep(new: Obj, old: Obj) -> None:
        for name in names:
            carry(new.setdefault("metadata", {}), old.get("metadata") or {}, name)

    return keep


def keep_all_but_status(new: Obj, old: Obj) -> None:
    """An update through `status` leaves everything else alone; labels and annotations may change."""
    for name in {*new, *old} - _IDENTITY:
        carry(new, old, name)


def in_turn(*steps: Callable[[Obj, Obj], None]) -> Callable[[Obj, Obj], None]:
    def run(new: Obj, old: Obj) -> None:
        for step in steps:
            step(new, old)

    return run


def no_faults(_new: Obj, _old: Obj) -> Faults:
    return []


def status(
    default: Default = nothing,
    *steps: Callable[[Obj, Obj], None],
    validate_update: Callable[[Obj, Obj], Faults] = no_faults,
    name: str = "status",
    update_metadata: str = "update",
) -> Subresource:
    """The status subresource: `default` as for the object, `steps` for what else is carried over."""
    strategy = Strategy(
        update_metadata=update_metadata,
        default=default,
        prepare_update=in_turn(keep_all_but_status, *steps),
        validate_update=validate_update,
    )
    return Subresource(name=name, verbs=STATUS_VERBS, strategy=strategy)


def fill(holder: dict[str, Any], name: str, value: Any) -> None:
    """Default a field that is written even when unset: null and the empty string count as unset."""
    if holder.get(name) in (None, ""):
        holder[name] = value


def fill_absent(holder: dict[str, Any], name: str, value: Any) -> None:
    """Default a field whose empty value is a value: only null counts as unset."""
    if holder.get(name) is None:
        holder[name] = value


def spec(obj: Obj) -> dict[str, Any]:
    """The spec of an object, an empty one where there is none."""
    found = obj.get("spec")
    return found if isinstance(found, dict) else {}


def counting(*metadata: str, status: bool = False) -> Callable[[Obj], Any]:
    """For `generation_of`: the object but its metadata and status, and of these what is named."""

    def counted(obj: Obj) -> Any:
        left_out = _IDENTITY - {"status"} if status else _IDENTITY
        meta = obj.get("metadata") or {}
        return {key: value for key, value in obj.items() if key not in left_out}, [meta.get(n) or {} for n in metadata]

    return counted


def never_counted(_: Obj) -> None:
    """For `generation_of`: the generation stays what it was on creation."""
    return None
