"""What happens to pods and revisions that lose their owner, or have a name that another one needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fake_api import FakeApi

from cluster.controllers.context import Options
from cluster.controllers.revision_hash import template_hash
from cluster.controllers.set import run_controllers
from cluster.machinery.clock import VirtualClock
from cluster.machinery.resources import CONTROLLER_REVISIONS, DAEMON_SETS, JOBS, PODS
from cluster.meta.objects import clone
from cluster.meta.types import Obj


@asynccontextmanager
async def running(controller: str) -> AsyncIterator[tuple[FakeApi, VirtualClock]]:
    clock = VirtualClock()
    api = FakeApi(clock)
    task = asyncio.create_task(run_controllers(api, clock, Options(only=frozenset({controller}))))
    try:
        yield api, clock
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def template(image: str, **labels: str) -> Obj:
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}


async def test_a_pod_that_loses_its_job_is_adopted_again() -> None:
    async with running("job") as (api, clock):
        spec = {"parallelism": 1, "completions": 1, "selector": {"matchLabels": {"j": "a"}}}
        spec |= {"backoffLimit": 6, "template": template("i:1", j="a")}
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "w"}, "spec": spec}
        made = await api.create(JOBS, job, "default")
        await clock.advance(2)
        (pod,) = api.objects[PODS].values()
        await api.update(PODS, {**pod, "metadata": {**clone(pod["metadata"]), "ownerReferences": []}})
        await clock.advance(2)
        (again,) = api.objects[PODS].values()
        assert again["metadata"]["uid"] == pod["metadata"]["uid"]
        assert [ref["uid"] for ref in again["metadata"]["ownerReferences"]] == [made["metadata"]["uid"]]


async def test_a_revision_whose_name_is_taken_by_another_template_gets_another_name() -> None:
    async with running("daemonset") as (api, clock):
        spec = {"selector": {"matchLabels": {"d": "a"}}, "template": template("i:1", d="a")}
        spec["updateStrategy"] = {"type": "OnDelete"}
        found = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "w"}, "spec": spec}
        await api.create(DAEMON_SETS, found, "default")
        await clock.advance(1)
        (first,) = api.objects[CONTROLLER_REVISIONS].values()
        wanted = template("i:2", d="a")
        squatter = {**clone(first), "revision": 2}
        squatter["metadata"]["name"] = f"w-{template_hash(wanted, None)}"
        await api.create(CONTROLLER_REVISIONS, squatter, "default")
        await api.patch(DAEMON_SETS, "w", "default", {"spec": {"template": wanted}})
        await clock.advance(5)
        assert api.objects[DAEMON_SETS]["default", "w"]["status"]["collisionCount"] == 1
        names = {r["metadata"]["name"] for r in api.objects[CONTROLLER_REVISIONS].values()}
        assert f"w-{template_hash(wanted, 1)}" in names
