"""CSINode: the storage drivers of a node."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.volumes import csi_driver_name
from cluster.kinds.printers import volumes
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, duplicate, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.storage.v1.CSINode"
PATH = Path("spec") / "drivers"
LONGEST_NODE_ID = 256


def validate(obj: Obj) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, driver in enumerate(spec(obj).get("drivers") or ()):
        faults += _driver(PATH[at], driver)
        if driver.get("name") in seen:
            faults.append(duplicate(PATH[at] / "name", driver["name"]))
        seen.add(driver.get("name") or "")
    return faults


def _driver(path: Path, driver: dict[str, Any]) -> Faults:
    node = driver.get("nodeID") or ""
    faults = csi_driver_name(path / "name", driver.get("name") or "")
    if not node:
        faults.append(required(path / "nodeID"))
    elif len(node) > LONGEST_NODE_ID:
        faults.append(invalid(path / "nodeID", node, f"must be {LONGEST_NODE_ID} characters or less"))
    count = (driver.get("allocatable") or {}).get("count")
    faults += checks.nonnegative(path / "allocatable" / "count", count)
    seen: set[str] = set()
    for key in driver.get("topologyKeys") or ():
        if not key:
            faults.append(required(path))
        if key in seen:
            faults.append(duplicate(path, key))
        seen.add(key)
        faults += checks.qualified(path, key)
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    faults = validate(new)
    now = {driver.get("name"): driver for driver in spec(new).get("drivers") or ()}
    for driver in spec(old).get("drivers") or ():
        changed = now.get(driver.get("name"))
        if changed is not None and changed != driver:
            faults.append(invalid(Path("CSINodeDriver"), changed, "field is immutable"))
    return faults


_WRITES = Strategy(
    update_metadata="whole",
    default=defaulting(DEFINITION),
    validate=validate,
    validate_update=validate_update,
    unconditional_update=False,
)


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="CSINode",
    plural="csinodes",
    singular="csinode",
    namespaced=False,
    definition="io.k8s.api.storage.v1.CSINode",
    table=table("storage.k8s.io", "csinodes", volumes.csi_node),
    strategy=_WRITES,
)
