"""Reading and copying wire dicts: the few accessors that everybody needs, and nothing that knows a kind."""

from __future__ import annotations

from typing import Any, TypeVar

from cluster.meta.types import GroupVersionKind, Obj, ObjectKey

T = TypeVar("T")


def clone(value: T) -> T:
    """A deep copy of JSON data; several times faster than copy.deepcopy since JSON has no cycles."""
    if isinstance(value, dict):
        return {k: clone(v) if isinstance(v, dict | list) else v for k, v in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [clone(v) if isinstance(v, dict | list) else v for v in value]  # type: ignore[return-value]
    return value


def meta(obj: Obj) -> dict[str, Any]:
    """The metadata of an object; an empty dict (not attached) where it has none."""
    found = obj.get("metadata")
    return found if isinstance(found, dict) else {}


def name(obj: Obj) -> str:
    return meta(obj).get("name") or ""


def namespace(obj: Obj) -> str:
    return meta(obj).get("namespace") or ""


def uid(obj: Obj) -> str:
    return meta(obj).get("uid") or ""


def resource_version(obj: Obj) -> str:
    return meta(obj).get("resourceVersion") or ""


def labels(obj: Obj) -> dict[str, str]:
    return meta(obj).get("labels") or {}


def annotations(obj: Obj) -> dict[str, str]:  # type: ignore[no-redef]
    return meta(obj).get("annotations") or {}


def key(obj: Obj) -> ObjectKey:
    return ObjectKey(namespace(obj), name(obj))


def gvk(obj: Obj) -> GroupVersionKind:
    group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
    return GroupVersionKind(group, version, str(obj.get("kind") or ""))


def deleting(obj: Obj) -> bool:
    return bool(meta(obj).get("deletionTimestamp"))


def dig(obj: Any, *path: str | int, default: Any = None) -> Any:
    """Follow keys and indices; `default` where the way ends or the value is null."""
    for step in path:
        try:
            obj = obj[step]
        except (KeyError, IndexError, TypeError):
            return default
    return default if obj is None else obj
