"""HorizontalPodAutoscaler v1: a narrower view of the stored v2 object."""

from __future__ import annotations

from cluster.kinds.autoscaling import checks_v2, horizontalpodautoscaler_v2
from cluster.kinds.autoscaling.conversion import to_v1, to_v2
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Cell, Kind, Strategy
from cluster.kinds.printers import workloads
from cluster.kinds.strategy import clear_status, keep_status, status
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler"


def _default(hpa: Obj) -> None:
    hpa["spec"].setdefault("minReplicas", 1)


def validate(hpa: Obj) -> Faults:
    stored = to_v2(hpa)
    horizontalpodautoscaler_v2.DEFAULT(stored)
    return checks_v2.validate(stored)


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


def _canonical(hpa: Obj) -> None:
    """Without any metric the stored form has the default one, which v1 then shows."""
    annotations = (hpa.get("metadata") or {}).get("annotations") or {}
    if (
        hpa["spec"].get("targetCPUUtilizationPercentage") is None
        and "autoscaling.alpha.kubernetes.io/metrics" not in annotations
    ):
        hpa["spec"]["targetCPUUtilizationPercentage"] = 80


def _cells(hpa: Obj, now: float) -> list[Cell]:
    return workloads.autoscaler(to_v2(hpa), now)


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    canonicalize=_canonical,
)


KIND = Kind(
    group="autoscaling",
    version="v1",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    singular="horizontalpodautoscaler",
    namespaced=True,
    short_names=("hpa",),
    categories=("all",),
    definition="io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
    subresources=(status(DEFAULT),),
    table=table("autoscaling", "horizontalpodautoscalers", _cells),
    strategy=_WRITES,
    to_storage=to_v2,
    from_storage=to_v1,
    storage_version=False,
)
