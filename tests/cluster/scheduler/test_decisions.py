"""The scheduler's decisions and its words for what fits nowhere."""

from __future__ import annotations

import random
from itertools import count

import pytest

from cluster.machinery.clock import VirtualClock
from cluster.machinery.events import EventSink
from cluster.machinery.informer import Informers
from cluster.scheduler.framework import Cycle
from cluster.scheduler.preemption import preempt
from cluster.scheduler.scheduler import Decision, Scheduler
from cluster.scheduler.snapshot import PodInfo

_numbers = count()


def scheduler() -> Scheduler:
    clock = VirtualClock()
    client = object()
    return Scheduler(client, clock, Informers(client, clock), EventSink(client, clock), chance=random.Random(1))


def node(name: str, cpu: str = "2", taints: list | None = None, **labels: str) -> dict:
    spec = {"taints": taints} if taints else {}
    status = {"allocatable": {"cpu": cpu, "memory": "4Gi", "pods": "10"}}
    meta = {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}}
    return {"metadata": meta, "spec": spec, "status": status}


def pod(cpu: str = "100m", *, on: str = "", priority: int = 0, labels: dict | None = None, **spec: object) -> dict:
    name = f"p{next(_numbers)}"
    requests = {"resources": {"requests": {"cpu": cpu}}}
    body = {"containers": [{"name": "c", "image": "i", **requests}], "priority": priority, **spec}
    if on:
        body["nodeName"] = on
    return {"metadata": {"name": name, "namespace": "ns", "uid": name, "labels": labels or {}}, "spec": body}


def decide(made: Scheduler, new: dict) -> tuple[Decision, Cycle]:
    cycle = Cycle(made._cache, PodInfo(new))
    return made.decide(cycle), cycle


def test_the_emptier_node_wins() -> None:
    made = scheduler()
    for name in ("a", "b"):
        made._cache.set_node(name, node(name))
    made._cache.set_pod(pod("1500m", on="a"))
    assert decide(made, pod())[0].node == "b"


def test_every_node_tells_its_reason() -> None:
    made = scheduler()
    made._cache.set_node("full", node("full", cpu="1"))
    made._cache.set_node("tainted", node("tainted", taints=[{"key": "k", "effect": "NoSchedule"}]))
    cordoned = node("cordoned")
    cordoned["spec"]["unschedulable"] = True
    made._cache.set_node("cordoned", cordoned)
    diagnosis = decide(made, pod("1500m"))[0].diagnosis
    assert diagnosis is not None
    assert diagnosis.message() == (
        "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable."
    )


def test_without_nodes_it_says_so() -> None:
    diagnosis = decide(scheduler(), pod())[0].diagnosis
    assert diagnosis is not None
    assert diagnosis.message() == "no nodes available to schedule pods"


@pytest.mark.parametrize(("topology", "expected"), [("kubernetes.io/hostname", "b"), ("zone", "c")])
def test_anti_affinity_keeps_pods_apart(topology: str, expected: str) -> None:
    made = scheduler()
    for name, zone in (("a", "1"), ("b", "1"), ("c", "2")):
        made._cache.set_node(name, node(name, zone=zone))
    made._cache.set_pod(pod(on="a", labels={"app": "x"}))
    made._cache.set_pod(pod("1900m", on="c" if expected == "b" else "b"))
    term = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": topology}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    found, _ = decide(made, pod("50m", affinity=affinity))
    assert found.node == expected


def test_preemption_takes_the_least_important_and_spares_what_fits() -> None:
    made = scheduler()
    made._cache.set_node("a", node("a"))
    small, large = pod("500m", on="a", priority=5), pod("1500m", on="a", priority=1)
    made._cache.set_pod(small)
    made._cache.set_pod(large)
    decision, cycle = decide(made, pod("1500m", priority=10))
    assert decision.diagnosis is not None
    outcome = preempt(cycle, decision.diagnosis, made._plugins, made._fits, [])
    assert outcome.candidate is not None
    assert [v.uid for v in outcome.candidate.victims] == [large["metadata"]["uid"]]


def test_equals_are_not_preempted() -> None:
    made = scheduler()
    made._cache.set_node("a", node("a"))
    made._cache.set_pod(pod("1500m", on="a", priority=10))
    decision, cycle = decide(made, pod("1500m", priority=10))
    assert decision.diagnosis is not None
    outcome = preempt(cycle, decision.diagnosis, made._plugins, made._fits, [])
    assert outcome.suggestion == (
        "no new claims to deallocate, preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    )
