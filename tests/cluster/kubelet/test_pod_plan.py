"""Which containers start when; back-off; the status that follows."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.kubelet.backoff import Backoff
from cluster.kubelet.plan import plan
from cluster.kubelet.runtimes.interface import ContainerState, ContainerStatus
from cluster.kubelet.status import View, Waiting, make_status


def status(name: str, code: int | None = None, attempt: int = 0) -> ContainerStatus:
    state = ContainerState.RUNNING if code is None else ContainerState.EXITED
    return ContainerStatus(
        id=f"{name}-{attempt}", name=name, attempt=attempt, image="i", image_id="i", state=state, created_at=0,
        started_at=0, finished_at=None if code is None else 5, exit_code=code,
        reason="" if code is None else "Completed" if code == 0 else "Error",
    )  # fmt: skip


def pod(*mains: str, init: tuple[dict[str, Any], ...] = (), policy: str = "Always", **old: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": "n", "uid": "u"},
        "spec": {
            "restartPolicy": policy,
            "containers": [{"name": m, "image": "i"} for m in mains or ("main",)],
            "initContainers": [{"image": "i", **i} for i in init],
        },
        "status": old,
    }


def started(subject: dict[str, Any], *known: ContainerStatus, up: tuple[str, ...] = (), wait: float = 0.0) -> list[str]:
    attempts = {s.name: [s] for s in known}
    return [c["name"] for c in plan(subject, attempts, dict.fromkeys(up, True), lambda name, at: wait).start]


def test_main_containers_start_together() -> None:
    assert started(pod("a", "b")) == ["a", "b"]
    assert started(pod("a", "b"), status("a")) == ["b"]


def test_init_containers_go_one_after_the_other() -> None:
    subject = pod("main", init=({"name": "one"}, {"name": "two"}))
    assert started(subject) == ["one"]
    assert started(subject, status("one")) == []
    assert started(subject, status("one", 0)) == ["two"]
    assert started(subject, status("one", 0), status("two", 0)) == ["main"]


def test_a_sidecar_must_be_up_before_what_follows() -> None:
    subject = pod("main", init=({"name": "side", "restartPolicy": "Always"},))
    assert started(subject) == ["side"]
    assert started(subject, status("side")) == []
    assert started(subject, status("side"), up=("side",)) == ["main"]
    assert started(subject, status("side", 1), status("main"), up=()) == ["side"]


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [("Always", 0, True), ("Always", 1, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_restart_policies(policy: str, code: int, again: bool) -> None:
    assert started(pod(policy=policy), status("main", code)) == (["main"] if again else [])


def test_a_failed_init_container_ends_a_pod_that_never_restarts() -> None:
    subject = pod("main", init=({"name": "one"},), policy="Never")
    decided = plan(subject, {"one": [status("one", 1)]}, {}, lambda name, at: 0.0)
    assert decided.finished
    assert not decided.start
    assert make_status(subject, View(now=9, attempts={"one": [status("one", 1)]}))["phase"] == "Failed"


def test_sidecars_are_stopped_when_the_work_is_done() -> None:
    subject = pod("main", init=({"name": "side", "restartPolicy": "Always"},), policy="Never")
    attempts = {"side": [status("side")], "main": [status("main", 0)]}
    assert plan(subject, attempts, {"side": True}, lambda name, at: 0.0).stop == ["side"]


def test_the_first_restart_is_immediate_and_later_ones_wait_longer() -> None:
    backoff = Backoff()
    assert backoff.left("x", 100, 100) == 0
    backoff.tried("x", 100)
    assert backoff.left("x", 101, 101) == 10
    backoff.tried("x", 111)
    assert backoff.left("x", 112, 113) == 19
    for _ in range(10):
        backoff.tried("x", 200)
    assert backoff.delay("x") == 300
    assert backoff.left("x", 200 + 601, 900) == 0


def test_crash_loop_shows_the_last_state() -> None:
    view = View(now=9, attempts={"main": [status("main", 3)]}, waiting={"main": Waiting("CrashLoopBackOff", "wait")})
    told = make_status(pod(), view)
    (main,) = told["containerStatuses"]
    assert main["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "wait"}}
    assert main["lastState"]["terminated"]["exitCode"] == 3
    assert told["phase"] == "Running"


def test_transition_times_move_only_with_the_status() -> None:
    view = View(now=1000, attempts={"main": [status("main")]}, ready={"main": True}, started={"main": True})
    one = make_status(pod(), view)
    view.now = 2000
    two = make_status(pod(**one), view)
    assert [c["lastTransitionTime"] for c in one["conditions"]] == [c["lastTransitionTime"] for c in two["conditions"]]
    view.ready = {"main": False}
    three = make_status(pod(**two), view)
    moved = {c["type"] for c, d in zip(two["conditions"], three["conditions"]) if c != d}
    assert moved == {"Ready", "ContainersReady"}


@pytest.mark.parametrize(
    ("codes", "policy", "phase"),
    [
        ((0, 0), "Never", "Succeeded"),
        ((0, 1), "Never", "Failed"),
        ((0, 1), "OnFailure", "Running"),
        ((0, 0), "OnFailure", "Succeeded"),
        ((0, None), "Never", "Running"),
    ],
)
def test_phases(codes: tuple[int | None, ...], policy: str, phase: str) -> None:
    attempts = {f"c{i}": [status(f"c{i}", code)] for i, code in enumerate(codes)}
    assert make_status(pod(*attempts, policy=policy), View(now=9, attempts=attempts))["phase"] == phase


def test_conditions_of_others_and_readiness_gates() -> None:
    subject = pod(conditions=[{"type": "example.com/up", "status": "False"}])
    subject["spec"]["readinessGates"] = [{"conditionType": "example.com/up"}]
    view = View(now=9, attempts={"main": [status("main")]}, ready={"main": True})
    by_type = {c["type"]: c for c in make_status(subject, view)["conditions"]}
    assert by_type["example.com/up"]["status"] == "False"
    assert by_type["ContainersReady"]["status"] == "True"
    assert by_type["Ready"]["reason"] == "ReadinessGatesNotReady"
