"""Pods that were bound to a node past the scheduler are looked at by the node."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.kubelet.admission import reject
from cluster.meta.types import Obj

NODE: Obj = {
    "metadata": {"name": "n", "labels": {"disk": "ssd"}},
    "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]},
    "status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "3"}},
}


def pod(*, cpu: str = "", port: int = 0, address: str = "", **spec: Any) -> Obj:
    container: Obj = {"name": "c"}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    if port:
        container["ports"] = [{"hostPort": port, "containerPort": port, **({"hostIP": address} if address else {})}]
    return {"metadata": {"name": "p"}, "spec": {"containers": [container], **spec}}


@pytest.mark.parametrize(
    ("asked", "held", "reason", "message"),
    [
        (
            pod(cpu="600m"), [pod(cpu="500m")], "OutOfcpu",
            "Node didn't have enough resource: cpu, requested: 600, used: 500, capacity: 1000",
        ),
        (pod(), [pod()] * 3, "OutOfpods", "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"),
        (
            pod(nodeSelector={"disk": "tape"}), [], "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        ),
        (
            pod(port=80), [pod(port=80, address="10.0.0.1")], "NodePorts",
            "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
        ),
    ],
)  # fmt: skip
def test_a_pod_that_does_not_fit_is_rejected(asked: Obj, held: list[Obj], reason: str, message: str) -> None:
    found = reject(asked, held, NODE)
    assert found is not None
    assert (found.reason, found.message) == (reason, message)
    assert found.status == (reason, f"Pod was rejected: {message}")


def test_a_pod_that_fits_is_taken_whatever_the_scheduler_would_say_of_it() -> None:
    asked = pod(cpu="500m", port=80, address="10.0.0.2", nodeSelector={"disk": "ssd"})
    assert reject(asked, [pod(cpu="500m", port=80, address="10.0.0.1")], NODE) is None


def test_only_taints_that_evict_count_and_only_what_the_node_knows_is_counted() -> None:
    evicting = {**NODE, "spec": {"taints": [{"key": "a", "effect": "NoExecute"}]}}
    found = reject(pod(), [], evicting)
    assert found is not None
    assert found.reason == "TaintToleration"
    assert reject(pod(tolerations=[{"key": "a", "operator": "Exists"}]), [], evicting) is None
    foreign = pod()
    foreign["spec"]["containers"][0]["resources"] = {"requests": {"example.com/gpu": "1"}}
    assert reject(foreign, [], NODE) is None
