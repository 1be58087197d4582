"""Scale: spoken by the scale subresources; it has no resource of its own."""

from __future__ import annotations

from cluster.kinds.columns import table
from cluster.kinds.kind import Cell, Kind
from cluster.kinds.printers.text import age, name
from cluster.meta.types import Obj


def _cells(obj: Obj, now: float) -> list[Cell]:
    desired, available = ((obj.get(part) or {}).get("replicas") or 0 for part in ("spec", "status"))
    return [name(obj), desired, available, age(obj, now)]


KIND = Kind(
    group="autoscaling",
    version="v1",
    kind="Scale",
    plural="",
    namespaced=True,
    verbs=("create",),
    definition="io.k8s.api.autoscaling.v1.Scale",
    table=table("autoscaling", "scale", _cells),
)
