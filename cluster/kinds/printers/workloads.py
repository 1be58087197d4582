"""Cells of what runs pods: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs, autoscalers."""

from __future__ import annotations

from typing import Any

from cluster.kinds.kind import Cell
from cluster.kinds.printers.text import (
    NONE,
    UNKNOWN,
    UNSET,
    age,
    containers,
    duration,
    label_map,
    name,
    seconds_of,
    selector,
    selector_or_none,
    since,
    template,
)
from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj


def _parts(obj: Obj) -> tuple[dict[str, Any], dict[str, Any]]:
    return obj.get("spec") or {}, obj.get("status") or {}


def deployment(obj: Obj, now: float) -> list[Cell]:
    spec, status = _parts(obj)
    ready = f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}"
    return [
        name(obj),
        ready,
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        age(obj, now),
        *template(obj),
        selector(spec.get("selector")),
    ]


def _replicas(obj: Obj, now: float) -> list[Cell]:
    spec, status = _parts(obj)
    counts: list[Cell] = [
        spec.get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
    ]
    return [name(obj), *counts, age(obj, now), *template(obj)]


def replica_set(obj: Obj, now: float) -> list[Cell]:
    return [*_replicas(obj, now), selector_or_none((obj.get("spec") or {}).get("selector"))]


def replication_controller(obj: Obj, now: float) -> list[Cell]:
    return [*_replicas(obj, now), label_map((obj.get("spec") or {}).get("selector"))]


def stateful_set(obj: Obj, now: float) -> list[Cell]:
    spec, status = _parts(obj)
    return [
        name(obj),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
        age(obj, now),
        *template(obj),
    ]


def daemon_set(obj: Obj, now: float) -> list[Cell]:
    spec, status = _parts(obj)
    counts: list[Cell] = [
        status.get(field) or 0
        for field in (
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        )
    ]
    nodes = ((spec.get("template") or {}).get("spec") or {}).get("nodeSelector")
    return [
        name(obj),
        *counts,
        label_map(nodes),
        age(obj, now),
        *template(obj),
        selector_or_none(spec.get("selector")),
    ]


def controller_revision(obj: Obj, now: float) -> list[Cell]:
    owners = (obj.get("metadata") or {}).get("ownerReferences") or ()
    owner = next((ref for ref in owners if ref.get("controller")), None)
    return [name(obj), _owner(owner), obj.get("revision") or 0, age(obj, now)]


def _owner(ref: dict[str, Any] | None) -> str:
    """`statefulset.apps/web`."""
    if ref is None:
        return NONE
    group, slash, _ = (ref.get("apiVersion") or "").partition("/")
    kind = (ref.get("kind") or "").lower()
    return f"{kind}.{group}/{ref.get('name')}" if slash else f"{kind}/{ref.get('name')}"


def _condition(status: dict[str, Any], kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "True" for c in status.get("conditions") or ())


def job(obj: Obj, now: float) -> list[Cell]:
    spec, status = _parts(obj)
    return [
        name(obj),
        _job_state(obj, status),
        _completions(spec, status),
        _job_duration(status, now),
        age(obj, now),
        *template(obj),
        selector_or_none(spec.get("selector")),
    ]


def _job_state(obj: Obj, status: dict[str, Any]) -> str:
    for kind, text in (("Complete", "Complete"), ("Failed", "Failed")):
        if _condition(status, kind):
            return text
    if (obj.get("metadata") or {}).get("deletionTimestamp"):
        return "Terminating"
    for kind, text in (
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ):
        if _condition(status, kind):
            return text
    return "Running"


def _completions(spec: dict[str, Any], status: dict[str, Any]) -> str:
    done = status.get("succeeded") or 0
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallel = spec.get("parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _job_duration(status: dict[str, Any], now: float) -> str:
    start = seconds_of(status.get("startTime"))
    if start is None:
        return ""
    end = seconds_of(status.get("completionTime"))
    return duration((now if end is None else end) - start)


def cron_job(obj: Obj, now: float) -> list[Cell]:
    spec, status = _parts(obj)
    job_spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    last = status.get("lastScheduleTime")
    return [
        name(obj),
        spec.get("schedule") or "",
        spec.get("timeZone") or NONE,
        UNSET if spec.get("suspend") is None else str(spec["suspend"]),
        len(status.get("active") or ()),
        since(last, now) if last else NONE,
        age(obj, now),
        *containers((job_spec.get("template") or {}).get("spec") or {}),
        selector_or_none(job_spec.get("selector")),
    ]


def pod_template(obj: Obj, _now: float) -> list[Cell]:
    held = obj.get("template") or {}
    return [
        name(obj),
        *containers(held.get("spec") or {}),
        label_map((held.get("metadata") or {}).get("labels")),
    ]


def autoscaler(obj: Obj, now: float) -> list[Cell]:
    """A HorizontalPodAutoscaler in its v2 form."""
    spec, status = _parts(obj)
    target = spec.get("scaleTargetRef") or {}
    minimum = spec.get("minReplicas")
    return [
        name(obj),
        f"{target.get('kind') or ''}/{target.get('name') or ''}",
        metrics(spec.get("metrics") or [], status.get("currentMetrics") or []),
        "<unset>" if minimum is None else str(minimum),
        spec.get("maxReplicas") or 0,
        status.get("currentReplicas") or 0,
        age(obj, now),
    ]


_MOST = 2


def metrics(targets: list[dict[str, Any]], current: list[dict[str, Any]]) -> str:
    """Each target with its present value; two at most, then how many more."""
    if not targets:
        return NONE
    texts = []
    for at, target in enumerate(targets):
        now = current[at] if at < len(current) else {}
        texts.append(_metric(target, now))
    if len(texts) > _MOST:
        return f"{', '.join(texts[:_MOST])} + {len(texts) - _MOST} more..."
    return ", ".join(texts)


_FIELDS = {
    "External": "external",
    "Pods": "pods",
    "Object": "object",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}


def _metric(target: dict[str, Any], now: dict[str, Any]) -> str:
    kind = target.get("type", "")
    field = _FIELDS.get(kind)
    if field is None:
        return "<unknown type>"
    wanted = (target.get(field) or {}).get("target") or {}
    held = (now.get(field) or {}).get("current") or {}
    prefix = f"{(target.get(field) or {}).get('name', '')}: " if kind in ("Resource", "ContainerResource") else ""
    for name_, average in (
        ("averageUtilization", False),
        ("averageValue", kind in ("External", "Object")),
        ("value", False),
    ):
        if wanted.get(name_) is None:
            continue
        percent = "%" if name_ == "averageUtilization" else ""
        present = held.get(name_)
        shown = UNKNOWN if present is None or not now else f"{_value(present)}{percent}"
        return f"{prefix}{shown}/{_value(wanted[name_])}{percent}{' (avg)' if average else ''}"
    return f"{prefix}{UNKNOWN}/<auto>"


def _value(value: Any) -> str:
    return str(Quantity.parse(value)) if isinstance(value, str) else str(value)
