"""ResourceSlice: dynamic resource allocation; what drivers mean by it is left to them."""

from __future__ import annotations

from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.resource.v1.ResourceSlice"


def validate(obj: Obj) -> Faults:
    """A pool on one node, on nodes a selector picks, on all, or device by device; and a driver."""
    held, path = obj.get("spec") or {}, Path("spec")
    faults: Faults = []
    if not held.get("driver"):
        faults.append(required(path / "driver"))
    if not (held.get("pool") or {}).get("name"):
        faults.append(required(path / "pool" / "name"))
    given = [name for name in ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection") if held.get(name)]
    if len(given) != 1:
        why = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
        faults.append(required(path, why))
    return faults


def _selectable(obj: Obj) -> dict[str, str]:
    held = obj.get("spec") or {}
    return {"spec.driver": held.get("driver") or "", "spec.nodeName": held.get("nodeName") or ""}


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    validate=validate,
    generation=True,
)


KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceSlice",
    plural="resourceslices",
    singular="resourceslice",
    namespaced=False,
    definition="io.k8s.api.resource.v1.ResourceSlice",
    introduced="1.34",
    table=table("resource.k8s.io", "resourceslices", extensions.resource_slice),
    strategy=_WRITES,
    selectable=_selectable,
)
