"""ConfigMaps and Secrets with `immutable` set do not change any more."""

from __future__ import annotations

from cluster.kinds.checks import Faults
from cluster.meta.field import Path, forbidden
from cluster.meta.types import Obj

_WHY = "field is immutable when `immutable` is set"


def sealed(new: Obj, old: Obj) -> Faults:
    if not old.get("immutable"):
        return []
    faults: Faults = []
    if not new.get("immutable"):
        faults.append(forbidden(Path("immutable"), _WHY))
    for name in ("data", "binaryData"):
        if (new.get(name) or {}) != (old.get(name) or {}):
            faults.append(forbidden(Path(name), _WHY))
    return faults
