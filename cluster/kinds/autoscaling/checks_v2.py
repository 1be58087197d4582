"""Validation of HorizontalPodAutoscalers in their v2 form, in which they are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec.resources import container_resource_name
from cluster.meta import names
from cluster.meta.field import Path, forbidden, invalid, not_supported, required
from cluster.meta.quantity import Quantity
from cluster.meta.types import GroupVersion, Obj

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
    if low is not None and low < 1:
        faults.append(invalid(SPEC / "minReplicas", low, "must be greater than or equal to 1"))
    if high == 0:
        faults.append(required(SPEC / "maxReplicas", "must be set and greater than 0"))
    elif high < 0:
        faults.append(invalid(SPEC / "maxReplicas", high, "must be greater than or equal to 1"))
    if low is not None and high < low:
        faults.append(invalid(SPEC / "maxReplicas", high, "must be greater than or equal to `minReplicas`"))
    ref = spec.get("scaleTargetRef") or {}
    faults += _target(SPEC / "scaleTargetRef", ref, core=ref.get("kind") == "ReplicationController")
    for at, metric in enumerate(metrics):
        faults += _metric((SPEC / "metrics")[at], metric)
    if low == 0 and not to_zero:
        why = "must specify at least one Object or External metric to support scaling to zero replicas"
        faults.append(forbidden(SPEC / "metrics", why))
    return faults + _behavior(SPEC / "behavior", spec.get("behavior") or {})


def _target(path: Path, ref: dict[str, Any], *, core: bool) -> Faults:
    """`core`: it may be of the core group, whose version names no group."""
    faults: Faults = []
    for name in ("kind", "name"):
        held = ref.get(name) or ""
        faults += checks.by_rule(path / name, held, names.path_segment) if held else [required(path / name)]
    version = ref.get("apiVersion") or ""
    try:
        group = GroupVersion.parse(version).group
    except ValueError as error:
        return [*faults, invalid(path / "apiVersion", version, str(error))]
    if not group and not core:
        faults.append(invalid(path / "apiVersion", version, "apiVersion must specify API group"))
    return faults


def _metric(path: Path, metric: dict[str, Any]) -> Faults:
    kind = metric.get("type") or ""
    unknown = [] if kind in _SOURCES else [not_supported(path / "type", kind, sorted(_SOURCES))]
    faults: Faults = [] if kind else [required(path / "type", "must specify a metric source type")]
    faults += unknown
    given = [name for name in _CHECKS if metric.get(name) is not None]
    if given:
        faults += _CHECKS[given[0]](path / given[0], metric[given[0]])
    expected = _SOURCES.get(kind, "")
    if expected and expected not in given:
        faults.append(required(path / expected, "must populate information for the given metric source"))
    faults += unknown
    if len(given) != 1:
        why = "must populate the given metric source only"
        faults += [forbidden(path / name, why) for name in given if name != expected]
    return faults


def _object(path: Path, source: dict[str, Any]) -> Faults:
    target = source.get("target") or {}
    faults = _target(path / "describedObject", source.get("describedObject") or {}, core=True)
    faults += _identifier(path / "metric", source.get("metric") or {}) + _wanted(path / "target", target)
    if target.get("value") is None and target.get("averageValue") is None:
        faults.append(required(path / "target" / "averageValue", "must set either a target value or averageValue"))
    return faults


def _external(path: Path, source: dict[str, Any]) -> Faults:
    target = source.get("target") or {}
    faults = _identifier(path / "metric", source.get("metric") or {}) + _wanted(path / "target", target)
    value, average = target.get("value"), target.get("averageValue")
    if value is None and average is None:
        why = "must set either a target value for metric or a per-pod target"
        faults.append(required(path / "target" / "averageValue", why))
    if value is not None and average is not None:
        why = "may not set both a target value for metric and a per-pod target"
        faults.append(forbidden(path / "target" / "value", why))
    return faults


def _pods(path: Path, source: dict[str, Any]) -> Faults:
    target = source.get("target") or {}
    faults = _identifier(path / "metric", source.get("metric") or {}) + _wanted(path / "target", target)
    if target.get("averageValue") is None:
        faults.append(required(path / "target" / "averageValue", "must specify a positive target averageValue"))
    return faults


def _resource(path: Path, source: dict[str, Any]) -> Faults:
    faults: Faults = [] if source.get("name") else [required(path / "name", "must specify a resource name")]
    return faults + _raw_or_share(path / "target", source.get("target") or {})


def _container(path: Path, source: dict[str, Any]) -> Faults:
    name, container = source.get("name") or "", source.get("container") or ""
    faults = (
        container_resource_name(path / "name", name)
        if name
        else [required(path / "name", "must specify a resource name")]
    )
    faults += (
        checks.label(path / "container", container)
        if container
        else [required(path / "container", "must specify a container")]
    )
    return faults + _raw_or_share(path / "target", source.get("target") or {})


def _raw_or_share(path: Path, target: dict[str, Any]) -> Faults:
    faults = _wanted(path, target)
    share, average = target.get("averageUtilization"), target.get("averageValue")
    if share is None and average is None:
        why = "must set either a target raw value or a target utilization"
        faults.append(required(path / "averageUtilization", why))
    if share is not None and average is not None:
        why = "may not set both a target raw value and a target utilization"
        faults.append(forbidden(path / "averageValue", why))
    return faults


_CHECKS: dict[str, Callable[[Path, dict[str, Any]], Faults]] = {
    "object": _object,
    "external": _external,
    "pods": _pods,
    "resource": _resource,
    "containerResource": _container,
}
"""The kinds of source, in the order the API looks at them."""


def _identifier(path: Path, metric: dict[str, Any]) -> Faults:
    name = metric.get("name") or ""
    if not name:
        return [required(path / "name", "must specify a metric name")]
    return checks.by_rule(path / "name", name, names.path_segment)


def _wanted(path: Path, target: dict[str, Any]) -> Faults:
    kind = target.get("type") or ""
    faults: Faults = [] if kind else [required(path / "type", "must specify a metric target type")]
    if kind not in ("Utilization", "Value", "AverageValue"):
        faults.append(invalid(path / "type", kind, "must be either Utilization, Value, or AverageValue"))
    for name in ("value", "averageValue"):
        if target.get(name) is not None and Quantity.parse(target[name]).nanos <= 0:
            faults.append(invalid(path / name, target[name], "must be positive"))
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        faults.append(invalid(path / "averageUtilization", share, "must be greater than 0"))
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
    if (tolerance := rules.get("tolerance")) is not None and Quantity.parse(tolerance).nanos < 0:
        faults.append(invalid(path / "tolerance", tolerance, checks.NEGATIVE))
    return faults
