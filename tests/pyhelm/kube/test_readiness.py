"""When is an object ready? kstatus' rules, object by object."""

from __future__ import annotations

from typing import Any

import pytest

from pyhelm.kube.legacy import legacy_readiness
from pyhelm.kube.readiness import State, hook_readiness, readiness


def obj(kind: str, api: str = "v1", spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": "x", "generation": 1},
        "spec": spec or {},
        "status": status,
    }


def deployment(**status: Any) -> dict[str, Any]:
    full = {
        "observedGeneration": 1,
        "replicas": 2,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "conditions": [
            {"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ],
    }
    return obj("Deployment", "apps/v1", {"replicas": 2}, **{**full, **status})


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        ({}, State.CURRENT, ""),
        ({"observedGeneration": 0}, State.IN_PROGRESS, "generation"),
        ({"updatedReplicas": 1}, State.IN_PROGRESS, "1 of 2 replicas updated"),
        ({"replicas": 3}, State.IN_PROGRESS, "1 old replicas still to end"),
        ({"availableReplicas": 1}, State.IN_PROGRESS, "1 of 2 replicas available"),
        ({"conditions": []}, State.IN_PROGRESS, "not yet available"),
        (
            {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]},
            State.FAILED,
            "deadline",
        ),
    ],
)
def test_deployments(status: dict[str, Any], state: State, said: str) -> None:
    found = readiness(deployment(**status))
    assert found.state is state
    assert said in found.message


def test_what_is_missing_is_not_ready() -> None:
    assert readiness(None).state is State.NOT_FOUND


def test_what_is_being_deleted_is_terminating() -> None:
    body = obj("ConfigMap")
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert readiness(body).state is State.TERMINATING


def test_a_started_job_is_ready_unless_its_end_is_wanted() -> None:
    running = obj("Job", "batch/v1", startTime="t", active=1)
    assert readiness(running).ready
    assert not readiness(running, jobs=True).ready
    failed = obj("Job", "batch/v1", conditions=[{"type": "Failed", "status": "True", "message": "no"}])
    assert readiness(failed).state is State.FAILED


def test_pods_are_ready_by_condition_and_crash_loops_fail() -> None:
    assert readiness(obj("Pod", phase="Running", conditions=[{"type": "Ready", "status": "True"}])).ready
    assert readiness(obj("Pod", phase="Pending")).state is State.IN_PROGRESS
    crash = [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    assert readiness(obj("Pod", phase="Running", containerStatuses=crash)).state is State.FAILED


def test_a_hook_pod_is_done_when_it_has_ended() -> None:
    assert hook_readiness(obj("Pod", phase="Succeeded")).ready
    assert hook_readiness(obj("Pod", phase="Failed")).state is State.FAILED
    assert hook_readiness(obj("ConfigMap")).ready


def test_custom_resources_follow_their_ready_condition() -> None:
    assert readiness(obj("Widget", "acme.io/v1")).ready
    waiting = obj("Widget", "acme.io/v1", conditions=[{"type": "Ready", "status": "False", "message": "soon"}])
    assert readiness(waiting).message == "soon"
    stalled = obj("Widget", "acme.io/v1", conditions=[{"type": "Stalled", "status": "True"}])
    assert readiness(stalled).state is State.FAILED


def test_definitions_wait_to_be_established() -> None:
    api = "apiextensions.k8s.io/v1"
    assert not readiness(obj("CustomResourceDefinition", api)).ready
    assert readiness(obj("CustomResourceDefinition", api, conditions=[{"type": "Established", "status": "True"}])).ready


def test_the_older_rules_allow_what_may_be_unavailable() -> None:
    body = deployment(readyReplicas=1)
    assert not legacy_readiness(body, jobs=False).ready
    body["spec"]["strategy"] = {"rollingUpdate": {"maxUnavailable": "50%"}}
    assert legacy_readiness(body, jobs=False).ready
