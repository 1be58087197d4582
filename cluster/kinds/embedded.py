"""Whole objects within custom resources: what is wrong with their apiVersion, kind and metadata."""

from __future__ import annotations

from typing import Any

from cluster.kinds.checks import Faults
from cluster.kinds.metadata import embedded_metadata_faults
from cluster.meta import names
from cluster.meta.field import FieldError, Path, invalid
from cluster.meta.gojson import kind_of


def api_version_faults(path: Path, value: Any) -> Faults:
    if not isinstance(value, str):
        return [invalid(path, value, "must be a string")]
    if not value:
        return [invalid(path, value, "must not be empty")]
    if value.count("/") > 1:
        return [invalid(path, value, f"unexpected GroupVersion string: {value}")]
    return []


def kind_faults(path: Path, value: Any) -> Faults:
    if not isinstance(value, str):
        return [invalid(path, value, "must be a string")]
    if not value:
        return [invalid(path, value, "must not be empty")]
    complaints = names.dns1035_label(value.lower())
    words = "may have mixed case, but should otherwise match: "
    return [invalid(path, value, words + ",".join(complaints))] if complaints else []


_TYPES: dict[str, tuple[type, str]] = {
    **dict.fromkeys(("name", "generateName", "namespace", "uid", "resourceVersion", "selfLink"), (str, "string")),
    **dict.fromkeys(("labels", "annotations"), (dict, "map[string]string")),
    "finalizers": (list, "[]string"),
    "ownerReferences": (list, "[]v1.OwnerReference"),
    "generation": (int, "int64"),
}


def unreadable(meta: Any) -> str:
    """What Go's JSON says of metadata that is none; empty for what it can read."""
    if not isinstance(meta, dict):
        return f"json: cannot unmarshal {kind_of(meta)} into Go value of type v1.ObjectMeta"
    for name, (wanted, shown) in _TYPES.items():
        held = meta.get(name)
        if held is not None and (not isinstance(held, wanted) or isinstance(held, bool)):
            return f"json: cannot unmarshal {kind_of(held)} into Go struct field ObjectMeta.{name} of type {shown}"
    return ""


def metadata_faults(path: Path, meta: dict[str, Any]) -> Faults:
    """Names are not demanded: what is embedded need not be stored."""
    out = embedded_metadata_faults(meta)
    return [FieldError(f.type, f"{path}{f.path.removeprefix('metadata')}", f.value, f.detail) for f in out]
