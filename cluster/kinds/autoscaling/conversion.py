"""Between the two versions of a HorizontalPodAutoscaler: v1 knows CPU utilization, the rest goes into annotations."""

from __future__ import annotations

import json
from typing import Any

from cluster.meta.objects import clone
from cluster.meta.types import Obj

METRICS = "autoscaling.alpha.kubernetes.io/metrics"
CURRENT = "autoscaling.alpha.kubernetes.io/current-metrics"
CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"


def to_v2(hpa: Obj) -> Obj:
    """The stored form of a v1 object."""
    out = clone(hpa)
    out["apiVersion"] = "autoscaling/v2"
    spec, status = out.setdefault("spec", {}), out.setdefault("status", {})
    kept = _take(out, METRICS) or []
    cpu = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = [_metric_v2(metric) for metric in kept]
    if cpu is not None:
        metrics.append(_cpu(cpu, "target"))
    if metrics:
        spec["metrics"] = metrics
    behavior = _take(out, BEHAVIOR)
    if behavior:
        spec["behavior"] = _renamed(behavior, str.lower)
    current = [_metric_v2(metric, "current") for metric in _take(out, CURRENT) or []]
    if (percent := status.pop("currentCPUUtilizationPercentage", None)) is not None:
        current.append(_cpu(percent, "current"))
    status["currentMetrics"] = current or None
    conditions = _take(out, CONDITIONS)
    if conditions:
        status["conditions"] = conditions
    return out


def to_v1(hpa: Obj) -> Obj:
    """What v1 shows of the stored form."""
    out = clone(hpa)
    out["apiVersion"] = "autoscaling/v1"
    spec, status = out.setdefault("spec", {}), out.setdefault("status", {})
    others = []
    for metric in spec.pop("metrics", None) or []:
        share = _cpu_share(metric, "target")
        if share is not None and "targetCPUUtilizationPercentage" not in spec:
            spec["targetCPUUtilizationPercentage"] = share
        else:
            others.append(_metric_v1(metric))
    _put(out, METRICS, others)
    _put(out, BEHAVIOR, _renamed(spec.pop("behavior", None) or {}, str.upper))
    current = []
    for metric in status.pop("currentMetrics", None) or []:
        share = _cpu_share(metric, "current")
        if share is not None and "currentCPUUtilizationPercentage" not in status:
            status["currentCPUUtilizationPercentage"] = share
        else:
            current.append(_metric_v1(metric, "current"))
    _put(out, CURRENT, current)
    _put(out, CONDITIONS, status.pop("conditions", None))
    status.setdefault("currentReplicas", 0)
    status.setdefault("desiredReplicas", 0)
    return out


def _cpu(share: int, field: str) -> dict[str, Any]:
    held: dict[str, Any] = {"averageUtilization": share}
    if field == "target":
        held["type"] = "Utilization"
    else:
        held["averageValue"] = "0"
    return {"type": "Resource", "resource": {"name": "cpu", field: held}}


def _cpu_share(metric: dict[str, Any], field: str) -> int | None:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    share = (resource.get(field) or {}).get("averageUtilization")
    return int(share) if share is not None else None


def _metric_v1(metric: dict[str, Any], field: str = "target") -> dict[str, Any]:
    """The flat form in which the annotation keeps a metric."""
    kind = metric.get("type", "")
    name = kind[:1].lower() + kind[1:]
    source = dict(metric.get(name) or {})
    held = source.pop(field, None) or {}
    for key, value in held.items():
        if key != "type":
            source[f"{field}{key[0].upper()}{key[1:]}"] = value
    named = source.pop("metric", None)
    if named:
        source["metricName"] = named.get("name", "")
        if named.get("selector"):
            source["metricSelector" if kind == "External" else "selector"] = named["selector"]
    if "describedObject" in source:
        source["target"] = source.pop("describedObject")
    return {"type": kind, name: source}


def _metric_v2(metric: dict[str, Any], field: str = "target") -> dict[str, Any]:
    kind = metric.get("type", "")
    name = kind[:1].lower() + kind[1:]
    source = dict(metric.get(name) or {})
    held: dict[str, Any] = {}
    for key in ("AverageUtilization", "AverageValue", "Value"):
        value = source.pop(f"{field}{key}", None)
        if value is not None:
            held[key[0].lower() + key[1:]] = value
    if isinstance(source.get("target"), dict) and kind == "Object":
        source["describedObject"] = source.pop("target")
    if "metricName" in source:
        identifier = {"name": source.pop("metricName")}
        for key in ("metricSelector", "selector"):
            if source.get(key):
                identifier["selector"] = source.pop(key)
        source["metric"] = identifier
    if field == "target":
        held["type"] = (
            "Utilization" if "averageUtilization" in held else "AverageValue" if "averageValue" in held else "Value"
        )
    source[field] = held
    return {"type": kind, name: source}


def _renamed(value: Any, case: Any) -> Any:
    """The annotation of `behavior` holds the server's own field names, which begin with capitals."""
    if isinstance(value, dict):
        return {case(key[:1]) + key[1:]: _renamed(item, case) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, case) for item in value]
    return value


def _take(out: Obj, key: str) -> Any:
    annotations = (out.get("metadata") or {}).get("annotations") or {}
    text = annotations.pop(key, None)
    if text is not None and not annotations:
        out["metadata"].pop("annotations", None)
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _put(out: Obj, key: str, value: Any) -> None:
    if value:
        annotations = out.setdefault("metadata", {}).setdefault("annotations", {})
        annotations[key] = json.dumps(value, separators=(",", ":"))
