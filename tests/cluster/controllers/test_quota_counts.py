"""When the use that a quota tells may fall, and when it may only rise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fake_api import FakeApi

from cluster.controllers.context import Options
from cluster.controllers.set import run_controllers
from cluster.machinery.clock import VirtualClock
from cluster.machinery.resources import PODS, RESOURCE_QUOTAS
from cluster.meta.objects import clone


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[FakeApi, VirtualClock]]:
    """A quota of three pods that has been counted once."""
    clock = VirtualClock()
    api = FakeApi(clock)
    task = asyncio.create_task(run_controllers(api, clock, Options(only=frozenset({"resourcequota"}))))
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "3"}}}
    await api.create(RESOURCE_QUOTAS, quota, "default")
    await clock.advance(1)
    try:
        yield api, clock
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def used(api: FakeApi) -> str:
    return str(api.objects[RESOURCE_QUOTAS]["default", "q"]["status"]["used"]["pods"])


async def charge(api: FakeApi, number: str) -> None:
    """As admission does, before the pod is there."""
    quota = clone(api.objects[RESOURCE_QUOTAS]["default", "q"])
    quota["status"]["used"]["pods"] = number
    await api.update(RESOURCE_QUOTAS, quota, subresource="status")


async def make(api: FakeApi, name: str) -> None:
    await api.create(PODS, {"metadata": {"name": name}, "spec": {"containers": []}}, "default")


async def test_a_charge_stands_while_its_pod_is_still_on_the_way() -> None:
    async with counting() as (api, clock):
        await charge(api, "1")
        await make(api, "a")
        await charge(api, "2")
        await clock.advance(1)
        assert used(api) == "2"
        bound = clone(api.objects[PODS]["default", "a"])
        bound["spec"]["nodeName"] = "n"
        await api.update(PODS, bound)
        await clock.advance(1)
        assert used(api) == "2"


async def test_a_pod_that_nobody_charged_is_counted() -> None:
    async with counting() as (api, clock):
        await make(api, "a")
        await clock.advance(1)
        assert used(api) == "1"


async def test_what_a_pod_used_is_given_back_when_it_ends_or_goes() -> None:
    async with counting() as (api, clock):
        await make(api, "a")
        await make(api, "b")
        await clock.advance(1)
        await api.patch(PODS, "a", "default", {"status": {"phase": "Succeeded"}})
        await clock.advance(1)
        assert used(api) == "1"
        await api.delete(PODS, "b", "default")
        await clock.advance(1)
        assert used(api) == "0"


async def test_what_a_failed_write_was_charged_is_given_back_in_time() -> None:
    async with counting() as (api, clock):
        await charge(api, "1")
        await clock.advance(200)
        assert used(api) == "1"
        await clock.advance(200)
        assert used(api) == "0"
