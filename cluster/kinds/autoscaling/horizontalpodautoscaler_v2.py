"""HorizontalPodAutoscaler v2: the form that is stored."""

from __future__ import annotations

from typing import Any

from cluster.kinds.autoscaling.checks_v2 import validate
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import workloads
from cluster.kinds.strategy import clear_status, keep_status, status
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler"
_UP = (("Pods", 4, 15), ("Percent", 100, 15))
_DOWN = (("Percent", 100, 15),)


def _default(hpa: Obj) -> None:
    held = hpa["spec"]
    held.setdefault("minReplicas", 1)
    if not held.get("metrics"):
        resource = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
        held["metrics"] = [{"type": "Resource", "resource": resource}]
    behavior = held.get("behavior")
    if behavior is None:
        return
    _rules(behavior.setdefault("scaleUp", {}), _UP, 0)
    _rules(behavior.setdefault("scaleDown", {}), _DOWN, None)


def _rules(rules: dict[str, Any], policies: tuple[tuple[str, int, int], ...], window: int | None) -> None:
    rules.setdefault("selectPolicy", "Max")
    if window is not None:
        rules.setdefault("stabilizationWindowSeconds", window)
    if not rules.get("policies"):
        rules["policies"] = [
            {"type": kind, "value": value, "periodSeconds": period} for kind, value, period in policies
        ]


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
)


KIND = Kind(
    group="autoscaling",
    version="v2",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    singular="horizontalpodautoscaler",
    namespaced=True,
    short_names=("hpa",),
    categories=("all",),
    definition="io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    subresources=(status(DEFAULT),),
    table=table("autoscaling", "horizontalpodautoscalers", workloads.autoscaler),
    strategy=_WRITES,
)
