"""Helm 3's readiness rules (`--wait=legacy`), as far as one object can tell.

Helm 3 looked at a Deployment's newest ReplicaSet and a ReplicaSet's pods; their counts stand in the object's own
status too, which is what is read here.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import Any

from pyhelm.kube.readiness import READY, Readiness, State, condition, failed, waiting

Object = dict[str, Any]


def legacy_readiness(obj: Object | None, *, jobs: bool) -> Readiness:
    """Readiness of a live object by Helm 3's rules."""
    if obj is None:
        return Readiness(State.NOT_FOUND, "not found")
    if obj.get("kind") == "Job":
        return _job(obj) if jobs else READY
    rule = _RULES.get(str(obj.get("kind")))
    return rule(obj) if rule else READY


def _observed(obj: Object) -> bool:
    return bool((obj.get("status") or {}).get("observedGeneration", 0) >= (obj["metadata"].get("generation") or 0))


def scaled(value: Any, total: int, *, up: bool) -> int:
    """An int-or-percent of `total`."""
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total / 100
        return ceil(share) if up else floor(share)
    return int(value or 0)


def _pod(obj: Object) -> Readiness:
    found = condition(obj, "Ready")
    return READY if found and found.get("status") == "True" else waiting("is not ready")


def _job(obj: Object) -> Readiness:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if int(status.get("failed", 0)) > int(spec.get("backoffLimit", 6)):
        return failed("job is failed")
    wanted = spec.get("completions")
    if wanted is not None and int(status.get("succeeded", 0)) < int(wanted):
        return waiting(f"{status.get('succeeded', 0)} of {wanted} completions")
    return READY


def _deployment(obj: Object) -> Readiness:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if not _observed(obj):
        return waiting("its controller has not seen it yet")
    wanted = int(spec.get("replicas", 1))
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    spare = scaled(rolling.get("maxUnavailable"), wanted, up=False)
    have = min(int(status.get("readyReplicas", 0)), int(status.get("updatedReplicas", 0)))
    return READY if have >= wanted - spare else waiting(f"{have} out of {wanted - spare} expected pods are ready")


def _stateful_set(obj: Object) -> Readiness:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if not _observed(obj):
        return waiting("its controller has not seen it yet")
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return READY
    wanted = int(spec.get("replicas", 1))
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    updated, ready = int(status.get("updatedReplicas", 0)), int(status.get("readyReplicas", 0))
    if updated < wanted - partition:
        return waiting(f"{updated} out of {wanted - partition} expected pods have been scheduled")
    if ready != wanted:
        return waiting(f"{ready} out of {wanted} expected pods are ready")
    if not partition and status.get("currentRevision") != status.get("updateRevision"):
        return waiting("its rolling update is under way")
    return READY


def _daemon_set(obj: Object) -> Readiness:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if not _observed(obj):
        return waiting("its controller has not seen it yet")
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return READY
    wanted = int(status.get("desiredNumberScheduled", 0))
    if int(status.get("updatedNumberScheduled", 0)) != wanted:
        return waiting(f"{status.get('updatedNumberScheduled', 0)} out of {wanted} expected pods have been scheduled")
    spare = scaled((strategy.get("rollingUpdate") or {}).get("maxUnavailable"), wanted, up=True)
    ready = int(status.get("numberReady", 0))
    return READY if ready >= wanted - spare else waiting(f"{ready} out of {wanted - spare} expected pods are ready")


def _replicas(obj: Object) -> Readiness:
    wanted = int((obj.get("spec") or {}).get("replicas", 1))
    ready = int((obj.get("status") or {}).get("readyReplicas", 0))
    if not _observed(obj):
        return waiting("its controller has not seen it yet")
    return READY if ready >= wanted else waiting(f"{ready} out of {wanted} expected pods are ready")


def _claim(obj: Object) -> Readiness:
    return READY if (obj.get("status") or {}).get("phase") == "Bound" else waiting("is not bound")


def _service(obj: Object) -> Readiness:
    spec = obj.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return READY
    if not spec.get("clusterIP"):
        return waiting("does not have a cluster IP address")
    if spec.get("type") == "LoadBalancer" and not spec.get("externalIPs"):
        ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress")
        return READY if ingress else waiting("does not have a load balancer ingress IP address")
    return READY


def _definition(obj: Object) -> Readiness:
    established, names = condition(obj, "Established"), condition(obj, "NamesAccepted")
    if established and established.get("status") == "True":
        return READY
    return READY if names and names.get("status") == "False" else waiting("is not established")


_RULES: dict[str, Callable[[Object], Readiness]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "ReplicaSet": _replicas,
    "ReplicationController": _replicas,
    "PersistentVolumeClaim": _claim,
    "Service": _service,
    "CustomResourceDefinition": _definition,
}
