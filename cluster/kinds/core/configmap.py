"""ConfigMap: plain data, which may be sealed."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.sealed import sealed
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import configuration
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import Path, invalid, too_long
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.ConfigMap"
LIMIT = 1024 * 1024
"""Bytes of all values together."""


def validate(obj: Obj) -> Faults:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    faults: Faults = []
    for key in sorted(data):
        faults += checks.by_rule(Path("data")[key], key, names.config_key)
        if key in binary:
            faults.append(invalid(Path("data")[key], key, "duplicate of key present in binaryData"))
    for key in sorted(binary):
        faults += checks.by_rule(Path("binaryData")[key], key, names.config_key)
    size = sum(len(value.encode()) for value in data.values()) + sum(len(v) * 3 // 4 for v in binary.values())
    if size > LIMIT:
        faults.append(too_long("[]", LIMIT))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    return sealed(new, old) + validate(new)


_WRITES = Strategy(default=defaulting(DEFINITION), validate=validate, validate_update=validate_update)


KIND = Kind(
    group="",
    version="v1",
    kind="ConfigMap",
    plural="configmaps",
    singular="configmap",
    namespaced=True,
    short_names=("cm",),
    definition="io.k8s.api.core.v1.ConfigMap",
    table=table("", "configmaps", configuration.config_map),
    strategy=_WRITES,
)
