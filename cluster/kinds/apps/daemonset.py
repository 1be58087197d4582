"""DaemonSet: a pod on every node that fits."""

from __future__ import annotations

import re
from typing import Any

from cluster.kinds import checks
from cluster.kinds.apps.columns import DAEMON_SET
from cluster.kinds.apps.templates import (
    SPEC,
    TEMPLATE,
    create_with_template,
    long_running,
    selected,
    update_with_template,
    workload_warnings,
)
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.defaults import default_template
from cluster.kinds.podspec.spec import template as pod_template
from cluster.kinds.selectors_check import is_empty, label_selector, parses
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, not_supported, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.apps.v1.DaemonSet"
UPDATES = SPEC / "updateStrategy"


TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _default(owner: Obj) -> None:
    # Whoever writes one owns the annotation too: it stands for a field that every writer sends.
    metadata = owner["metadata"]
    metadata["annotations"] = {TEMPLATE_GENERATION: "0", **(metadata.get("annotations") or {})}
    held = owner["spec"]
    default_template(held["template"])
    updates = held["updateStrategy"]
    updates.setdefault("type", "RollingUpdate")
    if updates["type"] == "RollingUpdate":
        rolling = updates.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    held.setdefault("revisionHistoryLimit", 10)


def _some(value: int | str | None) -> bool:
    """Whether it is more or less than none; a text that is no number is none."""
    return re.fullmatch(r"[+-]?0*[1-9]\d*|0*[1-9]\d*%", str(value or "")) is not None


def _rolling(rolling: dict[str, Any]) -> Faults:
    path = UPDATES / "rollingUpdate"
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    faults: Faults = []
    for name, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        faults += checks.int_or_percent(path / name, value)
        faults += checks.at_most_all(path / name, value)
    some_unavailable, some_surge = _some(unavailable), _some(surge)
    if some_unavailable and some_surge:
        faults.append(invalid(path / "maxSurge", surge, "may not be set when maxUnavailable is non-zero"))
    if not some_unavailable and not some_surge:
        faults.append(required(path / "maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return faults


def _updates(updates: dict[str, Any]) -> Faults:
    kind = updates.get("type") or ""
    if kind == "OnDelete":
        return []
    if kind == "RollingUpdate":
        rolling = updates.get("rollingUpdate")
        return [required(UPDATES / "rollingUpdate")] if rolling is None else _rolling(rolling)
    shown = dump(updates, "io.k8s.api.apps.v1.DaemonSetUpdateStrategy")
    return [not_supported(UPDATES, shown, ["RollingUpdate", "OnDelete"])]


def validate(owner: Obj) -> Faults:
    held = spec(owner)
    selector, template = held.get("selector"), held.get("template") or {}
    faults = label_selector(SPEC / "selector", selector)
    if selector is None or parses(selector):
        faults += selected(TEMPLATE, template, selector)
    if selector is not None and is_empty(selector):
        faults.append(invalid(SPEC / "selector", selector, "empty selector is invalid for daemonset"))
    faults += pod_template(TEMPLATE, template)
    faults += long_running(TEMPLATE, template, "DaemonSet")
    faults += checks.nonnegative(SPEC / "minReadySeconds", held.get("minReadySeconds"))
    faults += _updates(held.get("updateStrategy") or {})
    return faults + checks.nonnegative(SPEC / "revisionHistoryLimit", held.get("revisionHistoryLimit"))


def validate_update(new: Obj, old: Obj) -> Faults:
    return checks.immutable(SPEC / "selector", spec(new).get("selector"), spec(old).get("selector")) + validate(new)


def _prepare_create(owner: Obj) -> None:
    clear_status(DEFINITION)(owner)
    owner["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = "1"


def _prepare_update(new: Obj, old: Obj) -> None:
    """The template's own generation, kept as an annotation since its field is gone."""
    keep_status(new, old)
    was = ((old.get("metadata") or {}).get("annotations") or {}).get(TEMPLATE_GENERATION)
    if was is None:
        return
    changed = spec(new).get("template") != spec(old).get("template")
    annotations = new["metadata"].get("annotations") or {}
    new["metadata"]["annotations"] = dict(sorted({**annotations, TEMPLATE_GENERATION: str(int(was) + changed)}.items()))


def _keep_generation(new: Obj, old: Obj) -> None:
    was = ((old.get("metadata") or {}).get("annotations") or {}).get(TEMPLATE_GENERATION)
    if was is not None:
        annotations = new["metadata"].get("annotations") or {}
        new["metadata"]["annotations"] = dict(sorted({**annotations, TEMPLATE_GENERATION: was}.items()))


_COUNTS = (
    "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration",
    "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount",
)  # fmt: skip


def _validate_status(new: Obj, old: Obj) -> Faults:
    held, path = new.get("status") or {}, Path("status")
    faults: Faults = []
    for name in _COUNTS:
        faults += checks.nonnegative(path / name, held.get(name))
    return faults + checks.not_decremented(path, held, old.get("status") or {}, "collisionCount")


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=create_with_template(_prepare_create),
    prepare_update=update_with_template(_prepare_update),
    validate=validate,
    validate_update=validate_update,
    warnings=workload_warnings(named=False),
    generation=True,
)


KIND = Kind(
    group="apps",
    version="v1",
    kind="DaemonSet",
    plural="daemonsets",
    singular="daemonset",
    namespaced=True,
    short_names=("ds",),
    categories=("all",),
    definition="io.k8s.api.apps.v1.DaemonSet",
    subresources=(status(DEFAULT, _keep_generation, validate_update=_validate_status),),
    table=DAEMON_SET,
    strategy=_WRITES,
)
