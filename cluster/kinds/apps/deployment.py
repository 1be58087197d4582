"""Deployment: defaults of the rollout, its bounds, the selector that never changes."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.apps.columns import DEPLOYMENT
from cluster.kinds.apps.templates import (
    SPEC,
    create_with_template,
    replica_set_spec,
    update_with_template,
    workload_warnings,
)
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, ScalePaths, Strategy, Subresource
from cluster.kinds.podspec.defaults import default_template
from cluster.kinds.strategy import carry_meta, clear_status, counting, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, invalid, not_supported, required
from cluster.meta.types import GroupVersionKind, Obj

DEFINITION = "io.k8s.api.apps.v1.Deployment"
STRATEGY = SPEC / "strategy"


def _default(deployment: Obj) -> None:
    spec = deployment["spec"]
    default_template(spec["template"])
    spec.setdefault("replicas", 1)
    strategy = spec["strategy"]
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)


def rolling_update(path: Any, rolling: dict[str, Any]) -> Faults:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    faults = checks.int_or_percent(path / "maxUnavailable", unavailable)
    faults += checks.int_or_percent(path / "maxSurge", surge)
    if _zero(unavailable) and _zero(surge):
        faults.append(invalid(path / "maxUnavailable", unavailable or 0, "may not be 0 when `maxSurge` is 0"))
    return faults + checks.at_most_all(path / "maxUnavailable", unavailable)


def _zero(value: int | str | None) -> bool:
    return (checks.percent(value) if isinstance(value, str) else value or 0) == 0


def _strategy(strategy: dict[str, Any]) -> Faults:
    rolling = strategy.get("rollingUpdate")
    match strategy.get("type"):
        case "Recreate":
            if rolling is None:
                return []
            why = "may not be specified when strategy `type` is 'Recreate'"
            return [forbidden(STRATEGY / "rollingUpdate", why)]
        case "RollingUpdate":
            if rolling is None:
                return [required(STRATEGY / "rollingUpdate", "this should be defaulted and never be nil")]
            return rolling_update(STRATEGY / "rollingUpdate", rolling)
    shown = dump(strategy, "io.k8s.api.apps.v1.DeploymentStrategy")
    return [not_supported(STRATEGY, shown, ["Recreate", "RollingUpdate"])]


def validate(deployment: Obj) -> Faults:
    held = spec(deployment)
    faults = replica_set_spec(held, minimum_first=False)
    faults += _strategy(held.get("strategy") or {})
    minimum = held.get("minReadySeconds") or 0
    faults += checks.nonnegative(SPEC / "minReadySeconds", minimum)
    faults += checks.nonnegative(SPEC / "revisionHistoryLimit", held.get("revisionHistoryLimit"))
    deadline = held.get("progressDeadlineSeconds")
    if deadline is not None:
        faults += checks.nonnegative(SPEC / "progressDeadlineSeconds", deadline)
        if deadline <= minimum:
            faults.append(invalid(SPEC / "progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    return validate(new) + checks.immutable(SPEC / "selector", spec(new).get("selector"), spec(old).get("selector"))


def _validate_status(new: Obj, _old: Obj) -> Faults:
    faults: Faults = []
    held = new.get("status") or {}
    path = Path("status")
    for name in (
        "observedGeneration", "replicas", "updatedReplicas", "terminatingReplicas", "readyReplicas",
        "availableReplicas", "collisionCount",
    ):  # fmt: skip
        faults += checks.nonnegative(path / name, held.get(name))
    replicas, ready = held.get("replicas") or 0, held.get("readyReplicas") or 0
    available = held.get("availableReplicas") or 0
    over = "cannot be greater than status.replicas"
    for name in ("updatedReplicas", "readyReplicas", "availableReplicas"):
        if (held.get(name) or 0) > replicas:
            faults.append(invalid(path / name, held[name], over))
    if available > ready:
        faults.append(invalid(path / "availableReplicas", available, "cannot be greater than readyReplicas"))
    return faults


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=create_with_template(clear_status(DEFINITION)),
    prepare_update=update_with_template(keep_status),
    validate=validate,
    validate_update=validate_update,
    warnings=workload_warnings(),
    generation=True,
    generation_of=counting("annotations"),
)


KIND = Kind(
    group="apps",
    version="v1",
    kind="Deployment",
    plural="deployments",
    singular="deployment",
    namespaced=True,
    short_names=("deploy",),
    categories=("all",),
    definition="io.k8s.api.apps.v1.Deployment",
    subresources=(
        Subresource(
            name="scale",
            verbs=("get", "patch", "update"),
            kind=GroupVersionKind("autoscaling", "v1", "Scale"),
            scale=ScalePaths(),
        ),
        status(DEFAULT, carry_meta("labels"), validate_update=_validate_status),
    ),
    table=DEPLOYMENT,
    strategy=_WRITES,
)
