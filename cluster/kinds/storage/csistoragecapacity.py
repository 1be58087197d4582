"""CSIStorageCapacity: how much a driver can still make, and where."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import DEFAULT as PLAIN
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.selectors_check import label_selector
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid
from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.storage.v1.CSIStorageCapacity"


def validate(obj: Obj) -> Faults:
    name = obj.get("storageClassName") or ""
    faults = checks.subdomain(Path("storageClassName"), name)
    faults += label_selector(Path("nodeTopology"), obj.get("nodeTopology"))
    for field in ("capacity", "maximumVolumeSize"):
        value = obj.get(field)
        if value is not None and Quantity.parse(value).nanos < 0:
            faults.append(invalid(Path(field), value, checks.NEGATIVE))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    faults = validate(new)
    for name in ("nodeTopology", "storageClassName"):
        faults += checks.immutable(Path(name), new.get(name), old.get(name))
    return faults


_WRITES = Strategy(
    default=defaulting(DEFINITION),
    validate=validate,
    validate_update=validate_update,
    unconditional_update=False,
)


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="CSIStorageCapacity",
    plural="csistoragecapacities",
    singular="csistoragecapacity",
    namespaced=True,
    definition="io.k8s.api.storage.v1.CSIStorageCapacity",
    table=PLAIN,
    strategy=_WRITES,
)
