"""The versions of a definition as the store sees them: objects are written in one, and read as any.

What is stored was right when it was stored. Since then fields may have left the schema, and defaults come: reading
prunes and defaults by the schema of the version an object is stored in, and what a conversion has made of it is
pruned by the schema it is in now.
"""

from __future__ import annotations

from typing import Any

from cluster.kinds.custom_defaults import drop_nulls, fill_defaults
from cluster.kinds.kind import Conversion, Convert
from cluster.kinds.schema_custom import prune
from cluster.meta.objects import clone
from cluster.meta.types import Obj

Spec = dict[str, Any]
_OWN = frozenset(("apiVersion", "kind", "metadata"))


def conversion_of(spec: Spec, ask: Convert | None) -> Conversion:
    """For every version of a definition's specification; `ask` is its webhook, if it has one."""
    group = spec["group"]
    schemas = {f"{group}/{version['name']}": schema_of(version) for version in spec["versions"]}
    stored = next((v["name"] for v in spec["versions"] if v.get("storage")), spec["versions"][0]["name"])
    keep = spec.get("preserveUnknownFields") is True

    def settle(obj: Obj) -> Obj:
        schema = schemas.get(obj["apiVersion"])
        return clone(obj) if schema is None else _pruned(obj, schema, keep)

    def read(obj: Obj) -> Obj:
        out = settle(obj)
        schema = schemas.get(obj["apiVersion"])
        if schema is not None:
            _defaulted(out, schema)
        if not out["metadata"].get("generation"):
            out["metadata"]["generation"] = 1
        return out

    return Conversion(f"{group}/{stored}", frozenset(schemas), read, settle, ask)


def schema_of(version: Spec) -> Spec | None:
    """The schema of a version; None where there is none."""
    found = (version.get("schema") or {}).get("openAPIV3Schema")
    return found if isinstance(found, dict) else None


def _pruned(obj: Obj, schema: Spec, keep: bool) -> Obj:
    out = prune(clone(obj), schema, keep, [])
    if not keep:
        own = _own(out)
        drop_nulls(own, schema)
        _replace(out, own)
    return out


def _defaulted(obj: Obj, schema: Spec) -> None:
    own = _own(obj)
    fill_defaults(own, schema)
    _replace(obj, own)


def _own(obj: Obj) -> Obj:
    """All but what belongs to every object."""
    return {key: value for key, value in obj.items() if key not in _OWN}


def _replace(obj: Obj, own: Obj) -> None:
    for key in [key for key in obj if key not in _OWN and key not in own]:
        del obj[key]
    obj.update({key: value for key, value in own.items() if key not in _OWN})
