"""LimitRange: bounds and defaults for each container, pod or claim of a namespace."""

from __future__ import annotations

import uuid
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import DEFAULT as PLAIN
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.resources import container_resource_name, may_overcommit, resource_name
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, duplicate, forbidden, invalid, required
from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.LimitRange"
Limits = dict[str, Quantity]


def _default(obj: Obj) -> None:
    """For containers: a default limit is the maximum, a default request the default limit, else the minimum."""
    for item in spec(obj).get("limits") or ():
        if item.get("type") != "Container":
            continue
        for target, sources in (("default", ("max",)), ("defaultRequest", ("default", "min"))):
            filled = dict(item.get(target) or {})
            for source in sources:
                for name, value in (item.get(source) or {}).items():
                    filled.setdefault(name, value)
            if filled:
                item[target] = filled


def validate(obj: Obj) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, item in enumerate(spec(obj).get("limits") or ()):
        here, kind = (Path("spec") / "limits")[at], item.get("type") or ""
        faults += _type(here / "type", kind)
        if kind in seen:
            faults.append(duplicate(here / "type", kind))
        seen.add(kind)
        faults += _item(here, item, kind)
    return faults


_STANDARD = ("Pod", "Container", "PersistentVolumeClaim")


def _type(path: Path, kind: str) -> Faults:
    faults = checks.qualified(path, kind)
    if not faults and "/" not in kind and kind not in _STANDARD:
        faults.append(invalid(path, kind, "must be a standard limit type or fully qualified"))
    return faults


def _item(path: Path, item: dict[str, Any], kind: str) -> Faults:
    held: dict[str, Limits] = {}
    faults: Faults = []
    named = container_resource_name if kind in ("Pod", "Container") else resource_name
    for field in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        held[field] = {name: Quantity.parse(value) for name, value in (item.get(field) or {}).items()}
        if field in ("default", "defaultRequest") and kind == "Pod":
            continue
        for name in sorted(held[field]):
            faults += named((path / field)[name], name)
    if kind == "Pod":
        for field in ("default", "defaultRequest"):
            if held[field]:
                faults.append(forbidden(path / field, "may not be specified when `type` is 'Pod'"))
                held[field] = {}
    if kind == "PersistentVolumeClaim" and "storage" not in held["min"] and "storage" not in held["max"]:
        why = "either minimum or maximum storage value is required, but neither was provided"
        faults.append(required(path / "limits", why))
    for name in sorted({name for field in held.values() for name in field}):
        faults += _consistent(path, name, held)
    return faults


_ORDER = (
    ("min", "min", "max", "min value {} is greater than max value {}"),
    ("defaultRequest", "min", "defaultRequest", "min value {} is greater than default request value {}"),
    ("defaultRequest", "defaultRequest", "max", "default request value {} is greater than max value {}"),
    ("defaultRequest", "defaultRequest", "default", "default request value {} is greater than default limit value {}"),
    ("default", "min", "default", "min value {} is greater than default value {}"),
    ("default", "default", "max", "default value {} is greater than max value {}"),
)
"""Field a fault stands at, the smaller, the greater, the words. The shown value of the last is the maximum."""


def _consistent(path: Path, name: str, held: dict[str, Limits]) -> Faults:
    faults: Faults = []
    for field, small, great, words in _ORDER:
        low, high = held[small].get(name), held[great].get(name)
        if low is not None and high is not None and low > high:
            shown = high if field == "defaultRequest" and great == field else low
            shown = high if (small, great) == ("default", "max") else shown
            faults.append(invalid((path / field)[name], str(shown), words.format(low, high)))
    ratio = held["maxLimitRequestRatio"].get(name)
    if ratio is not None:
        faults += _ratio((path / "maxLimitRequestRatio")[name], ratio, held["max"].get(name), held["min"].get(name))
    limit, request = held["default"].get(name), held["defaultRequest"].get(name)
    if limit is not None and request is not None and limit != request and not may_overcommit(name):
        why = f"default value {limit} must equal to defaultRequest value {request} in {name}"
        faults.append(invalid((path / "defaultRequest")[name], str(request), why))
    return faults


def _ratio(path: Path, ratio: Quantity, high: Quantity | None, low: Quantity | None) -> Faults:
    if float(ratio) < 1:
        return [invalid(path, str(ratio), f"ratio {ratio} is less than 1")]
    if high is not None and low is not None and low.nanos:
        most = high.nanos / low.nanos
        if float(ratio) > most:
            return [invalid(path, str(ratio), f"ratio {ratio} is greater than max/min = {most:f}")]
    return []


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


def _prepare_create(obj: Obj) -> None:
    """One without a name gets a fresh UID for one."""
    meta = obj["metadata"]
    if not meta.get("name"):
        meta["name"] = str(uuid.uuid4())


_WRITES = Strategy(
    update_metadata="whole",
    default=defaulting(DEFINITION, _default),
    prepare_create=_prepare_create,
    validate=validate,
    validate_update=validate_update,
    create_on_update=True,
)


KIND = Kind(
    group="",
    version="v1",
    kind="LimitRange",
    plural="limitranges",
    singular="limitrange",
    namespaced=True,
    short_names=("limits",),
    definition="io.k8s.api.core.v1.LimitRange",
    table=PLAIN,
    strategy=_WRITES,
)
