"""Events go an hour after their last change, whoever wrote them and however often the server was started since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cluster.apiserver.event_expiry import TTL, EventExpiry
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.server import ApiServer
from cluster.machinery.clock import VirtualClock, rfc3339
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource, Obj
from cluster.storage.memory import MemoryStore

EVENTS = GroupVersionResource("", "v1", "events")


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    made = ApiServer(MemoryStore(), ApiServerOptions(serve=False), clock=VirtualClock())
    await made.start()
    yield made
    await made.stop()


def clock_of(server: ApiServer) -> VirtualClock:
    assert isinstance(server.clock, VirtualClock)
    return server.clock


def event(name: str, now: float) -> Obj:
    meta = {"name": name, "namespace": "default"}
    about = {"kind": "Pod", "namespace": "default", "name": "p"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": meta,
        "involvedObject": about,
        "lastTimestamp": rfc3339(now),
        "reason": "r",
        "message": "m",
        "type": "Normal",
    }


async def there(server: ApiServer) -> set[str]:
    return {o["metadata"]["name"] for o in (await server.client().list(EVENTS, "default")).items}


async def test_an_event_goes_an_hour_after_its_last_change(server: ApiServer) -> None:
    clock, client = clock_of(server), server.client()
    await client.create(EVENTS, event("once", clock.now()), "default")
    await client.create(EVENTS, event("again", clock.now()), "default")
    await clock.advance(TTL - 120)
    assert await there(server) == {"once", "again"}
    await client.update(EVENTS, event("again", clock.now()))
    await clock.advance(240)
    assert await there(server) == {"again"}
    await clock.advance(TTL)
    assert await there(server) == set()


async def test_a_server_started_later_counts_from_what_the_event_says(server: ApiServer) -> None:
    clock, client = clock_of(server), server.client()
    await client.create(EVENTS, event("old", clock.now()), "default")
    await clock.advance(TTL / 2)
    second = EventExpiry(server.store, server.feed, clock)
    running = asyncio.create_task(second.run())
    await clock.advance(TTL / 2 + 61)
    assert await there(server) == set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_other_things_stay(server: ApiServer) -> None:
    maps = GroupVersionResource("", "v1", "configmaps")
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "namespace": "default"}}
    await server.client().create(maps, obj, "default")
    await clock_of(server).advance(TTL * 3)
    assert (await server.client().get(maps, "kept", "default"))["metadata"]["name"] == "kept"


async def test_without_a_time_to_live_events_stay() -> None:
    clock = VirtualClock()
    server = ApiServer(MemoryStore(), ApiServerOptions(serve=False, event_ttl=0.0), clock=clock)
    await server.start()
    await server.client().create(EVENTS, event("kept", clock.now()), "default")
    await clock.advance(TTL * 3)
    assert await there(server) == {"kept"}
    with pytest.raises(StatusError):
        await server.client().get(EVENTS, "none", "default")
    await server.stop()
