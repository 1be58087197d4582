"""A Deployment becomes bound pods: controllers and scheduler together on a tiny API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fake_api import FakeApi

from cluster.controllers.context import Options, Resource
from cluster.controllers.set import run_controllers
from cluster.machinery.clock import VirtualClock
from cluster.machinery.events import EVENTS, EventSink
from cluster.machinery.informer import Informers
from cluster.machinery.resources import (
    CONFIG_MAP,
    CONFIG_MAPS,
    DEPLOYMENT,
    DEPLOYMENTS,
    NAMESPACES,
    NODES,
    POD,
    PODS,
    REPLICA_SET,
    REPLICA_SETS,
    SERVICE_ACCOUNTS,
)
from cluster.meta.objects import clone
from cluster.meta.types import Obj
from cluster.scheduler.scheduler import Scheduler


async def served() -> list[Resource]:
    verbs = ("delete", "deletecollection", "list", "watch")
    found = [(DEPLOYMENTS, DEPLOYMENT), (REPLICA_SETS, REPLICA_SET), (PODS, POD), (CONFIG_MAPS, CONFIG_MAP)]
    return [Resource(gvr, gvk, True, verbs) for gvr, gvk in found]


@asynccontextmanager
async def running() -> AsyncIterator[tuple[FakeApi, VirtualClock]]:
    clock = VirtualClock()
    api = FakeApi(clock)
    informers, events = Informers(api, clock), EventSink(api, clock)
    scheduler = Scheduler(api, clock, informers, events)
    parts = [
        informers.run(),
        events.run(),
        scheduler.run(),
        run_controllers(
            api,
            clock,
            Options(root_ca="CA", resources=served, node_monitor_grace=1e9),
            informers=informers,
            events=events,
        ),
    ]
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield api, clock
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


def deployment(replicas: int, image: str = "img:1") -> Obj:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "a"}},
        "template": template,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"}, "spec": spec}


def node(name: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


async def make_ready(api: FakeApi) -> None:
    for pod in [*api.objects.get(PODS, {}).values()]:
        if pod["spec"].get("nodeName") and not pod.get("status"):
            body = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
            await api.patch(PODS, pod["metadata"]["name"], "default", body)


async def test_deployment_creates_pods_that_are_bound() -> None:
    async with running() as (api, clock):
        await api.create(NODES, node("n1"))
        await api.create(NODES, node("n2"))
        await clock.advance(1)
        await api.create(DEPLOYMENTS, deployment(4), "default")
        await clock.advance(1)
        pods = [*api.objects[PODS].values()]
        assert sorted(p["spec"]["nodeName"] for p in pods) == ["n1", "n1", "n2", "n2"]
        await make_ready(api)
        await clock.advance(1)
        status = api.objects[DEPLOYMENTS][("default", "w")]["status"]
        assert status["availableReplicas"] == 4
        reasons = [e["reason"] for e in api.objects[EVENTS].values()]
        assert reasons.count("Scheduled") == 4
        assert reasons.count("ScalingReplicaSet") == 1


async def test_new_template_rolls_over_within_bounds_and_settles() -> None:
    async with running() as (api, clock):
        await api.create(NODES, node("n1"))
        await api.create(DEPLOYMENTS, deployment(4), "default")
        await clock.advance(1)
        await make_ready(api)
        await clock.advance(1)
        changed = clone(api.objects[DEPLOYMENTS][("default", "w")])
        changed["spec"]["template"]["spec"]["containers"][0]["image"] = "img:2"
        await api.update(DEPLOYMENTS, changed)
        for _ in range(12):
            await clock.advance(1)
            ready = [p for p in api.objects[PODS].values() if (p.get("status") or {}).get("phase") == "Running"]
            assert len(ready) >= 3
            assert len(api.objects[PODS]) <= 5
            await make_ready(api)
        images = {p["spec"]["containers"][0]["image"] for p in api.objects[PODS].values()}
        assert images == {"img:2"}
        assert sorted(rs["spec"]["replicas"] for rs in api.objects[REPLICA_SETS].values()) == [0, 4]
        before = api.revision
        await clock.advance(300)
        assert api.revision == before


async def test_namespace_gets_its_account_and_root_certificate() -> None:
    async with running() as (api, clock):
        await api.create(NAMESPACES, {"metadata": {"name": "team"}, "spec": {"finalizers": ["kubernetes"]}})
        await clock.advance(1)
        assert ("team", "default") in api.objects[SERVICE_ACCOUNTS]
        assert api.objects[CONFIG_MAPS][("team", "kube-root-ca.crt")]["data"] == {"ca.crt": "CA"}


async def test_background_deletion_takes_replicasets_and_pods() -> None:
    async with running() as (api, clock):
        await api.create(NODES, node("n1"))
        await api.create(DEPLOYMENTS, deployment(2), "default")
        await clock.advance(1)
        await api.delete(DEPLOYMENTS, "w", "default", propagation="Background")
        await clock.advance(5)
        assert not api.objects[REPLICA_SETS]
        assert not api.objects[PODS]


async def test_foreground_deletion_takes_dependents_first() -> None:
    async with running() as (api, clock):
        await api.create(NODES, node("n1"))
        await api.create(DEPLOYMENTS, deployment(2), "default")
        await clock.advance(1)
        await api.delete(DEPLOYMENTS, "w", "default", propagation="Foreground")
        await clock.advance(5)
        gone = [(gvr.resource) for _, gvr, event in api.log if event.type == "DELETED"]
        assert gone == ["pods", "pods", "replicasets", "deployments"]
