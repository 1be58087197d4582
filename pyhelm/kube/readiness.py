"""Is an object ready? The rules of kstatus (Helm 4's watcher), each a pure function of the live object.

`Readiness.message` says what is missing in a person's words. An object that is FAILED never becomes ready by
waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Object = dict[str, Any]


class State(StrEnum):
    """What kstatus calls the status of a resource."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"
    NOT_FOUND = "NotFound"


@dataclass(frozen=True, slots=True)
class Readiness:
    """State and what is missing."""

    state: State
    message: str = ""

    @property
    def ready(self) -> bool:
        return self.state is State.CURRENT


READY = Readiness(State.CURRENT)


def waiting(message: str) -> Readiness:
    return Readiness(State.IN_PROGRESS, message)


def failed(message: str) -> Readiness:
    return Readiness(State.FAILED, message)


def readiness(obj: Object | None, *, jobs: bool = False) -> Readiness:
    """Readiness of a live object (None: it is not there); `jobs` makes a Job wait for its completion."""
    if obj is None:
        return Readiness(State.NOT_FOUND, "not found")
    early = _generic(obj)
    if early is not None:
        return early
    kind = str(obj.get("kind"))
    if kind == "Job" and jobs:
        return _job_done(obj)
    rule = _RULES.get((_group(obj), kind))
    return rule(obj) if rule else _by_ready_condition(obj)


def hook_readiness(obj: Object | None) -> Readiness:
    """When a hook is done: Jobs and Pods to their end, everything else at once."""
    if obj is None:
        return Readiness(State.NOT_FOUND, "not found")
    if obj.get("kind") == "Job":
        return _job_done(obj)
    if obj.get("kind") == "Pod":
        return _pod_done(obj)
    return READY


def condition(obj: Object, name: str) -> Object | None:
    """A condition of the status by type."""
    for item in (obj.get("status") or {}).get("conditions") or []:
        if item.get("type") == name:
            return dict(item)
    return None


def is_paused(obj: Object) -> bool:
    """A paused Deployment is nobody's to wait for."""
    return obj.get("kind") == "Deployment" and bool((obj.get("spec") or {}).get("paused"))


def _group(obj: Object) -> str:
    return str(obj.get("apiVersion", "")).rpartition("/")[0]


def _is(item: Object | None, value: str) -> bool:
    return item is not None and item.get("status") == value


def _generic(obj: Object) -> Readiness | None:
    metadata, status = obj.get("metadata") or {}, obj.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return Readiness(State.TERMINATING, "is being deleted")
    observed = status.get("observedGeneration")
    generation = metadata.get("generation")
    if isinstance(observed, int) and not isinstance(observed, bool) and observed != generation:
        return waiting(f"its controller has seen generation {observed}, not yet {generation}")
    if _is(reconciling := condition(obj, "Reconciling"), "True"):
        return waiting(str((reconciling or {}).get("message") or "is reconciling"))
    if _is(stalled := condition(obj, "Stalled"), "True"):
        return failed(str((stalled or {}).get("message") or "has stalled"))
    return None


def _by_ready_condition(obj: Object) -> Readiness:
    found = condition(obj, "Ready")
    if found is not None and found.get("status") in ("False", "Unknown"):
        return waiting(str(found.get("message") or "Ready is not yet true"))
    return READY


def _always(obj: Object) -> Readiness:
    return READY


def _deployment(obj: Object) -> Readiness:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    progressing = condition(obj, "Progressing")
    if progressing and progressing.get("reason") == "ProgressDeadlineExceeded":
        return failed("progress deadline exceeded")
    wanted = int(spec.get("replicas", 1))
    counts = {n: int(status.get(f"{n}Replicas", 0)) for n in ("updated", "ready", "available")}
    total = int(status.get("replicas", 0))
    if total < wanted:
        return waiting(f"{total} of {wanted} replicas made")
    if counts["updated"] < wanted:
        return waiting(f"{counts['updated']} of {wanted} replicas updated")
    if total > wanted:
        return waiting(f"{total - wanted} old replicas still to end")
    if counts["available"] < counts["updated"]:
        return waiting(f"{counts['available']} of {counts['updated']} replicas available")
    if counts["ready"] < wanted:
        return waiting(f"{counts['ready']} of {wanted} replicas ready")
    if progressing is not None and progressing.get("reason") != "NewReplicaSetAvailable":
        return waiting("the new ReplicaSet is not yet available")
    if not _is(condition(obj, "Available"), "True"):
        return waiting("is not yet available")
    return READY


def _stateful_set(obj: Object) -> Readiness:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return READY
    wanted = int(spec.get("replicas", 1))
    total, ready = int(status.get("replicas", 0)), int(status.get("readyReplicas", 0))
    if total < wanted:
        return waiting(f"{total} of {wanted} replicas made")
    if ready < wanted:
        return waiting(f"{ready} of {wanted} replicas ready")
    if total > wanted:
        return waiting(f"{total - wanted} replicas still to end")
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    if partition:
        updated = int(status.get("updatedReplicas", 0))
        return READY if updated >= wanted - partition else waiting(f"{updated} of {wanted - partition} updated")
    current = int(status.get("currentReplicas", 0))
    if current < wanted:
        return waiting(f"{current} of {wanted} replicas current")
    if status.get("currentRevision") != status.get("updateRevision"):
        return waiting("its rolling update is under way")
    return READY


def _replica_set(obj: Object) -> Readiness:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    failure = condition(obj, "ReplicaFailure")
    if _is(failure, "True"):
        return waiting(str((failure or {}).get("message") or "replicas cannot be made"))
    wanted = int(spec.get("replicas", 1))
    for field, word in (
        ("fullyLabeledReplicas", "labelled"),
        ("availableReplicas", "available"),
        ("readyReplicas", "ready"),
    ):
        if int(status.get(field, 0)) < wanted:
            return waiting(f"{int(status.get(field, 0))} of {wanted} replicas {word}")
    if int(status.get("replicas", 0)) > wanted:
        return waiting("surplus replicas still to end")
    return READY


def _daemon_set(obj: Object) -> Readiness:
    status = obj.get("status") or {}
    if "observedGeneration" not in status:
        return waiting("its controller has not seen it yet")
    wanted = int(status.get("desiredNumberScheduled", 0))
    for field, word in (
        ("currentNumberScheduled", "scheduled"),
        ("updatedNumberScheduled", "updated"),
        ("numberAvailable", "available"),
        ("numberReady", "ready"),
    ):
        if int(status.get(field, 0)) < wanted:
            return waiting(f"{int(status.get(field, 0))} of {wanted} pods {word}")
    return READY


def _pod(obj: Object) -> Readiness:
    status = obj.get("status") or {}
    phase = status.get("phase")
    if phase in ("Succeeded", "Failed"):
        return READY  # kstatus: a pod that ended is as it will stay; whether it failed is the owner's business
    if phase == "Running":
        if _is(condition(obj, "Ready"), "True"):
            return READY
        crash = crash_looping(obj)
        return failed(f"container {crash} keeps crashing") if crash else waiting("is running, not yet ready")
    scheduled = condition(obj, "PodScheduled")
    if scheduled and scheduled.get("reason") == "Unschedulable":
        return waiting(f"cannot be scheduled: {scheduled.get('message', '')}")
    return waiting(f"is {phase or 'not yet seen by a node'}")


def crash_looping(pod: Object) -> str:
    """Name of a container in CrashLoopBackOff, else ""."""
    for entry in (pod.get("status") or {}).get("containerStatuses") or []:
        if ((entry.get("state") or {}).get("waiting") or {}).get("reason") == "CrashLoopBackOff":
            return str(entry.get("name"))
    return ""


def _pod_done(obj: Object) -> Readiness:
    phase = (obj.get("status") or {}).get("phase")
    if phase == "Succeeded":
        return READY
    if phase == "Failed":
        return failed(str((obj.get("status") or {}).get("message") or "the pod failed"))
    return waiting(f"is {phase or 'Pending'}")


def _job(obj: Object) -> Readiness:
    """A started Job is as wished; its end is only waited for when asked."""
    if _is(found := condition(obj, "Failed"), "True"):
        return failed(f"Job Failed. {(found or {}).get('message', '')}".strip())
    if _is(condition(obj, "Complete"), "True") or (obj.get("status") or {}).get("startTime"):
        return READY
    return waiting("has not started")


def _job_done(obj: Object) -> Readiness:
    if _is(condition(obj, "Complete"), "True"):
        return READY
    if _is(found := condition(obj, "Failed"), "True"):
        return failed(str((found or {}).get("message") or "the job failed"))
    status = obj.get("status") or {}
    wanted = (obj.get("spec") or {}).get("completions", 1)
    return waiting(f"{int(status.get('succeeded', 0))} of {wanted} completions, {int(status.get('active', 0))} active")


def _service(obj: Object) -> Readiness:
    spec = obj.get("spec") or {}
    if spec.get("type") == "LoadBalancer" and not spec.get("clusterIP"):
        return waiting("has no cluster IP yet")
    return READY


def _claim(obj: Object) -> Readiness:
    phase = (obj.get("status") or {}).get("phase")
    return READY if phase == "Bound" else waiting(f"is {phase or 'Pending'}, not yet bound")


def _definition(obj: Object) -> Readiness:
    if _is(names := condition(obj, "NamesAccepted"), "False"):
        return failed(str((names or {}).get("message") or "its names are taken"))
    if _is(condition(obj, "Established"), "True"):
        return READY
    return waiting("is not yet established")


_RULES: dict[tuple[str, str], Callable[[Object], Readiness]] = {
    ("", "Service"): _service,
    ("", "Pod"): _pod,
    ("", "Secret"): _always,
    ("", "ConfigMap"): _always,
    ("", "PersistentVolumeClaim"): _claim,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("policy", "PodDisruptionBudget"): _always,
    ("batch", "CronJob"): _always,
    ("batch", "Job"): _job,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
}
