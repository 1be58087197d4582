"""Job: pods that run to an end; its selector and labels are made for it."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.apps.templates import MISMATCH, create_with_template, update_with_template, workload_warnings
from cluster.kinds.batch.job_checks import job_spec
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.defaults import default_template
from cluster.kinds.printers import workloads
from cluster.kinds.selectors_check import label_selector, matches
from cluster.kinds.strategy import clear_status, fill, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import Path, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.batch.v1.Job"
SPEC = Path("spec")
UID_LABEL, NAME_LABEL = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
OLD_UID, OLD_NAME = "controller-uid", "job-name"


def _default(job: Obj) -> None:
    held = job["spec"]
    default_template(held["template"])
    if held.get("completions") is None and held.get("parallelism") is None:
        held["completions"] = 1
    held.setdefault("parallelism", 1)
    if held.get("backoffLimit") is None:
        held["backoffLimit"] = checks.MAX_INT32 if held.get("backoffLimitPerIndex") is not None else 6
    labels = (held["template"].get("metadata") or {}).get("labels")
    if labels and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)
    held.setdefault("completionMode", "NonIndexed")
    held.setdefault("suspend", False)
    for rule in (held.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            fill(pattern, "status", "True")
    held.setdefault("manualSelector", False)
    if held.get("podReplacementPolicy") is None:
        failing = held.get("podFailurePolicy") is not None
        held["podReplacementPolicy"] = "Failed" if failing else "TerminatingOrFailed"


def _prepare_create(job: Obj) -> None:
    clear_status(DEFINITION)(job)
    held, meta = job["spec"], job["metadata"]
    if held.get("manualSelector"):
        return
    uid, name = meta.get("uid") or "", meta.get("name") or ""
    labels = held["template"].setdefault("metadata", {}).setdefault("labels", {})
    made = {OLD_NAME: name, NAME_LABEL: name, OLD_UID: uid, UID_LABEL: uid}
    # Labels taken over from the template are the template's in the API, so that what is added there shows here too.
    shared = meta.get("labels") == labels
    for key, value in made.items():
        labels.setdefault(key, value)
    held["template"]["metadata"]["labels"] = labels = dict(sorted(labels.items()))
    if shared and labels:
        meta["labels"] = dict(labels)
    selector = held.setdefault("selector", {})
    selector.setdefault("matchLabels", {}).setdefault(UID_LABEL, uid)


def validate(job: Obj) -> Faults:
    held = spec(job)
    faults = [] if held.get("manualSelector") else _generated(job, held)
    faults += job_spec(SPEC, held)
    if held.get("selector") is None:
        faults.append(required(SPEC / "selector"))
    else:
        faults += label_selector(SPEC / "selector", held["selector"])
    faults += _selects(held)
    return faults + _last_name(job, held)


def _last_name(job: Obj, held: dict[str, Any]) -> Faults:
    """The pods of an indexed job are called by their index, and the last of them has the longest name."""
    completions = held.get("completions") or 0
    if held.get("completionMode") != "Indexed" or completions <= 0:
        return []
    name = (job.get("metadata") or {}).get("name") or ""
    last = f"{name}-{completions - 1}"
    if not names.dns1123_label(last):
        return []
    why = f"will not able to create pod with invalid DNS label: {last}"
    return [invalid(Path("metadata") / "name", name, why)]


def _selects(held: dict[str, Any]) -> Faults:
    labels = ((held.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if matches(held.get("selector"), labels):
        return []
    return [invalid(SPEC / "template" / "metadata" / "labels", dict(sorted(labels.items())) or None, MISMATCH)]


def _generated(job: Obj, held: dict[str, Any]) -> Faults:
    """The selector and labels have to be the ones made from the job's uid and name."""
    meta = job.get("metadata") or {}
    wanted = {UID_LABEL: meta.get("uid") or "", NAME_LABEL: meta.get("name") or ""}
    labels = ((held.get("template") or {}).get("metadata") or {}).get("labels") or {}
    path = SPEC / "template" / "metadata" / "labels"
    faults: Faults = []
    if held.get("selector") is None:
        return faults
    for keys, value in (((OLD_UID, UID_LABEL), wanted[UID_LABEL]), ((OLD_NAME, NAME_LABEL), wanted[NAME_LABEL])):
        for key in keys:
            if key not in labels:
                faults.append(required(path[key], f"must be '{value}'"))
            elif labels[key] != value:
                faults.append(invalid(path[key], labels, f"must be '{value}'"))
    selector = held["selector"]
    only = {"matchLabels": {UID_LABEL: wanted[UID_LABEL]}}
    old = {"matchLabels": {OLD_UID: wanted[UID_LABEL]}}
    if selector not in (only, old):
        faults.append(invalid(SPEC / "selector", selector, "`selector` not auto-generated"))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    now, was = spec(new), spec(old)
    faults = validate(new)
    faults = _twice_selected(faults, now)
    faults += _completions(now, was)
    faults += checks.immutable(SPEC / "selector", now.get("selector"), was.get("selector"))
    faults += _template(new, now, old, was)
    for name in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        faults += checks.immutable(SPEC / name, now.get(name), was.get(name))
    return faults


def _twice_selected(faults: Faults, now: dict[str, Any]) -> Faults:
    """An update checks the template against the selector a second time."""
    return [*faults, *_selects(now)]


def _completions(now: dict[str, Any], was: dict[str, Any]) -> Faults:
    """Completions of an indexed job may change along with its parallelism, of others not at all."""
    if now.get("completions") == was.get("completions"):
        return []
    if was.get("completionMode") == "Indexed" and now.get("completions") == now.get("parallelism"):
        return []
    return checks.immutable(SPEC / "completions", now.get("completions"), was.get("completions"))


_PLACEMENT = ("affinity", "nodeSelector", "tolerations", "schedulingGates")


def _template(new: Obj, now: dict[str, Any], old: Obj, was: dict[str, Any]) -> Faults:
    """The template stays; where its pods go may change while the job is suspended and has not started."""
    template, before = now.get("template") or {}, was.get("template") or {}
    if template == before:
        return []
    if was.get("suspend") and not (old.get("status") or {}).get("active"):
        template = _placed_as(template, before)
    if template == before:
        return []
    shown = {**_labels(now), "Spec": dump((now.get("template") or {}).get("spec"), "io.k8s.api.core.v1.PodSpec")}
    return [invalid(SPEC / "template", shown, checks.IMMUTABLE)]


def _labels(now: dict[str, Any]) -> dict[str, Any]:
    meta = (now.get("template") or {}).get("metadata") or {}
    return {name: dict(sorted(meta[name].items())) for name in ("labels", "annotations") if meta.get(name)}


def _placed_as(template: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    pods, old_pods = dict(template.get("spec") or {}), before.get("spec") or {}
    for name in _PLACEMENT:
        pods.pop(name, None)
        if name in old_pods:
            pods[name] = old_pods[name]
    return {"metadata": before.get("metadata") or {}, "spec": pods}


def _selectable(job: Obj) -> dict[str, str]:
    return {"status.successful": str((job.get("status") or {}).get("succeeded") or 0)}


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=create_with_template(_prepare_create),
    prepare_update=update_with_template(keep_status),
    validate=validate,
    validate_update=validate_update,
    warnings=workload_warnings(),
    generation=True,
    unsaid_propagation="child pods are preserved by default when jobs are deleted; set propagationPolicy=Background"
    " to remove them or set propagationPolicy=Orphan to suppress this warning",
)


KIND = Kind(
    group="batch",
    version="v1",
    kind="Job",
    plural="jobs",
    singular="job",
    namespaced=True,
    categories=("all",),
    definition="io.k8s.api.batch.v1.Job",
    subresources=(status(DEFAULT),),
    table=table("batch", "jobs", workloads.job),
    strategy=_WRITES,
    selectable=_selectable,
)
