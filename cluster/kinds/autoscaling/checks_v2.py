"""Validation of HorizontalPodAutoscalers in their v2 form, in which they are stored."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.selectors_check import label_selector
from cluster.meta import names
from cluster.meta.field import Path, forbidden, invalid, not_supported, required
from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj

SPEC = Path("spec")
LONGEST_WINDOW, LONGEST_PERIOD = 3600, 1800
_SOURCES = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "External": "external",
}


def validate(hpa: Obj) -> Faults:
    spec = hpa.get("spec") or {}
    low, high = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    metrics = spec.get("metrics") or []
    to_zero = any(metric.get("type") in ("Object", "External") for metric in metrics)
    faults: Faults = []
    if low is not None and low < 1 and not (low == 0 and to_zero):
        faults.append(invalid(SPEC / "minReplicas", low, "must be greater than or equal to 1"))
    if high < 1:
        faults.append(required(SPEC / "maxReplicas", "must be set and greater than 0"))
    if low is not None and high < low:
        faults.append(invalid(SPEC / "maxReplicas", high, "must be greater than or equal to `minReplicas`"))
    faults += _target(SPEC / "scaleTargetRef", spec.get("scaleTargetRef") or {})
    for at, metric in enumerate(metrics):
        faults += _metric((SPEC / "metrics")[at], metric)
    if low == 0 and not to_zero:
        why = "must specify at least one Object or External metric to support scaling to zero replicas"
        faults.append(forbidden(SPEC / "metrics", why))
    return faults + _behavior(SPEC / "behavior", spec.get("behavior") or {})


def _target(path: Path, ref: dict[str, Any]) -> Faults:
    faults: Faults = []
    for name in ("kind", "name"):
        held = ref.get(name) or ""
        if not held:
            faults.append(required(path / name))
        else:
            faults += checks.by_rule(path / name, held, names.path_segment)
    version = ref.get("apiVersion") or ""
    if "/" not in version and (version != "v1" or ref.get("kind") != "ReplicationController"):
        faults.append(invalid(path / "apiVersion", version, "apiVersion must specify API group"))
    return faults


def _metric(path: Path, metric: dict[str, Any]) -> Faults:
    kind = metric.get("type") or ""
    if not kind:
        return [required(path / "type", "must specify a metric source type")]
    if kind not in _SOURCES:
        return [not_supported(path / "type", kind, sorted(_SOURCES))]
    field = _SOURCES[kind]
    source = metric.get(field)
    if source is None:
        return [required(path / field, "must populate information for the given metric source")]
    faults: Faults = []
    if kind == "Object":
        faults += _target(path / field / "describedObject", source.get("describedObject") or {})
    if kind in ("Resource", "ContainerResource"):
        for name in ("name", "container") if kind == "ContainerResource" else ("name",):
            if not source.get(name):
                why = "must specify a resource name" if name == "name" else "must specify a container"
                faults.append(required(path / field / name, why))
    else:
        faults += _identifier(path / field / "metric", source.get("metric") or {})
    return faults + _wanted(path / field / "target", source.get("target") or {}, kind)


def _identifier(path: Path, metric: dict[str, Any]) -> Faults:
    name = metric.get("name") or ""
    faults = (
        checks.by_rule(path / "name", name, names.path_segment)
        if name
        else [required(path / "name", "must specify a metric name")]
    )
    return faults + label_selector(path / "selector", metric.get("selector"))


def _wanted(path: Path, target: dict[str, Any], source: str) -> Faults:
    kind = target.get("type") or ""
    faults: Faults = [] if kind else [required(path / "type", "must specify a metric target type")]
    if kind and kind not in ("Utilization", "Value", "AverageValue"):
        faults.append(not_supported(path / "type", kind, ["AverageValue", "Utilization", "Value"]))
    for name in ("value", "averageValue"):
        if target.get(name) is not None and Quantity.parse(target[name]).nanos <= 0:
            faults.append(invalid(path / name, target[name], "must be positive"))
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        faults.append(invalid(path / "averageUtilization", share, "must be greater than 0"))
    if source in ("Resource", "ContainerResource"):
        if share is None and target.get("averageValue") is None:
            faults.append(
                required(path / "averageUtilization", "must set either a target raw value or a target utilization")
            )
        if share is not None and target.get("averageValue") is not None:
            faults.append(
                forbidden(path / "averageValue", "may not set both a target raw value and a target utilization")
            )
    elif source == "Pods" and target.get("averageValue") is None:
        faults.append(required(path / "averageValue", "must specify a positive target averageValue"))
    elif source in ("Object", "External") and target.get("value") is None and target.get("averageValue") is None:
        faults.append(required(path / "averageValue", "must set either a target value or averageValue"))
    return faults


def _behavior(path: Path, behavior: dict[str, Any]) -> Faults:
    faults: Faults = []
    for name in ("scaleUp", "scaleDown"):
        if behavior.get(name) is not None:
            faults += _rules(path / name, behavior[name])
    return faults


def _rules(path: Path, rules: dict[str, Any]) -> Faults:
    window = rules.get("stabilizationWindowSeconds")
    faults: Faults = []
    if window is not None and window < 0:
        faults.append(invalid(path / "stabilizationWindowSeconds", window, "must be greater than or equal to zero"))
    if window is not None and window > LONGEST_WINDOW:
        faults.append(
            invalid(path / "stabilizationWindowSeconds", window, f"must be less than or equal to {LONGEST_WINDOW}")
        )
    if (policy := rules.get("selectPolicy")) is not None:
        faults += checks.one_of(path / "selectPolicy", policy, ("Disabled", "Max", "Min"))
    policies = rules.get("policies") or []
    if not policies:
        faults.append(required(path / "policies", "must specify at least one Policy"))
    for at, item in enumerate(policies):
        here = (path / "policies")[at]
        faults += checks.one_of(here / "type", item.get("type") or "", ("Percent", "Pods"))
        for name in ("value", "periodSeconds"):
            if (item.get(name) or 0) <= 0:
                faults.append(invalid(here / name, item.get(name) or 0, checks.NOT_POSITIVE))
        if (item.get("periodSeconds") or 0) > LONGEST_PERIOD:
            faults.append(
                invalid(
                    here / "periodSeconds", item["periodSeconds"], f"must be less than or equal to {LONGEST_PERIOD}"
                )
            )
    return faults
