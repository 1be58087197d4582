"""Of several candidates one works; another follows when it ends, falls silent or is cut off, and never two at once."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster.machinery.clock import VirtualClock
from cluster.machinery.fencing import Fenced, FencedClient
from cluster.machinery.leases import LEASES, Election, LeaderElector, LostLeadership, lead
from cluster.machinery.resources import CONFIG_MAPS
from cluster.meta.errors import StatusError

sys.path.insert(0, str(Path(__file__).parents[1] / "controllers"))
from fake_api import FakeApi


class Flaky:
    """An API that can be cut off: calls raise while it is."""

    def __init__(self, api: FakeApi) -> None:
        self._api, self.cut = api, False

    def __getattr__(self, name: str) -> Any:
        if self.cut and name in ("get", "create", "update", "patch", "delete"):
            raise ConnectionError("cut off")
        return getattr(self._api, name)


class World:
    """Candidates on one API and one clock; `working` says who works now."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.api = FakeApi(self.clock)
        self.working: list[str] = []
        self.electors: dict[str, LeaderElector] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def candidate(self, name: str) -> Flaky:
        way = Flaky(self.api)

        async def work(elector: LeaderElector) -> None:
            self.electors[name] = elector
            assert not any(other.holds() for who, other in self.electors.items() if who != name)
            self.working.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                self.working.remove(name)

        election = Election("work", name, duration=10.0, renew_deadline=7.0, retry=1.5)
        self.tasks.append(asyncio.create_task(lead(way, self.clock, election, work)))  # type: ignore[arg-type]
        return way

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_one_leads_and_hands_over_at_once_when_it_ends() -> None:
    world = World()
    world.candidate("a")
    await world.clock.advance(1)
    world.candidate("b")
    await world.clock.advance(60)
    assert world.working == ["a"]
    world.tasks[0].cancel()
    await world.clock.advance(3)
    assert world.working == ["b"]
    lease = await world.api.get(LEASES, "work", "kube-system")
    assert lease["spec"]["holderIdentity"] == "b"
    assert lease["spec"]["leaseTransitions"] == 1
    await world.end()


async def test_a_silent_leader_is_followed_within_its_lease_and_a_try() -> None:
    world = World()
    first = world.candidate("a")
    world.candidate("b")
    await world.clock.advance(30)
    assert world.working == ["a"]
    first.cut = True
    for _ in range(12):
        await world.clock.advance(1)
        assert len(world.working) <= 1
    assert world.working == ["b"]
    first.cut = False
    await world.clock.advance(60)
    assert world.working == ["b"]
    await world.end()


async def test_a_leader_that_cannot_renew_stops_before_another_may_begin() -> None:
    world = World()
    only = world.candidate("a")
    await world.clock.advance(5)
    only.cut = True
    await world.clock.advance(9)
    assert world.working == []
    only.cut = False
    await world.clock.advance(3)
    assert world.working == ["a"]
    await world.end()


async def test_the_same_process_takes_its_lease_again_without_waiting() -> None:
    world = World()
    world.candidate("a")
    await world.clock.advance(5)
    held = await world.api.get(LEASES, "work", "kube-system")
    world.tasks.pop().cancel()
    await world.clock.advance(0)
    # As if it had been killed: nothing was given up.
    now = await world.api.get(LEASES, "work", "kube-system")
    await world.api.update(LEASES, {**now, "spec": held["spec"]})
    world.candidate("a")
    await world.clock.advance(0.1)
    assert world.working == ["a"]
    await world.end()


async def test_work_that_fails_ends_the_candidate_with_its_failure() -> None:
    world = World()

    async def work(_: LeaderElector) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await lead(world.api, world.clock, Election("work", "a"), work)  # type: ignore[arg-type]


async def test_a_leader_woken_up_late_writes_nothing() -> None:
    """Stopped for longer than its lease, it is told by its own clock before anything goes out."""
    world = World()
    elector = LeaderElector(world.api, world.clock, Election("work", "a"))  # type: ignore[arg-type]
    fenced = FencedClient(world.api, elector.holds)  # type: ignore[arg-type]
    running = asyncio.create_task(elector.run(asyncio.Event().wait))  # type: ignore[arg-type]
    await world.clock.advance(3)
    await fenced.create(CONFIG_MAPS, {"metadata": {"name": "one"}}, "ns")
    world.clock._now += 16
    for write in (
        fenced.create(CONFIG_MAPS, {"metadata": {"name": "two"}}, "ns"),
        fenced.patch(CONFIG_MAPS, "one", "ns", {"data": {"a": "b"}}),
        fenced.delete(CONFIG_MAPS, "one", "ns"),
    ):
        with pytest.raises(Fenced):
            await write
    assert [o["metadata"]["name"] for o in (await fenced.list(CONFIG_MAPS, "ns")).items] == ["one"]
    with pytest.raises(StatusError):
        await world.api.get(CONFIG_MAPS, "two", "ns")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_losing_the_lease_is_told() -> None:
    world = World()
    way = Flaky(world.api)
    elector = LeaderElector(way, world.clock, Election("work", "a"))  # type: ignore[arg-type]
    running = asyncio.create_task(elector.run(asyncio.Event().wait))  # type: ignore[arg-type]
    await world.clock.advance(3)
    way.cut = True
    await world.clock.advance(30)
    assert isinstance(running.exception(), LostLeadership)
