"""Two API servers on one etcd: one order of writes, seen by both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from cluster.apiserver.server import ApiServer, ApiServerOptions
from cluster.client.interface import Client
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource, Obj
from cluster.storage.etcd import EtcdStore
from cluster.testing.etcd import etcd, installed

pytestmark = pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)")
MAPS = GroupVersionResource("", "v1", "configmaps")


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[ApiServer]]:
    async with etcd(tmp_path) as url:
        stores = [await EtcdStore.open(url) for _ in range(2)]
        made = [ApiServer(store, ApiServerOptions(serve=False)) for store in stores]
        for server in made:
            await server.start()
        yield made
        for server, store in zip(made, stores, strict=True):
            await server.stop()
            await store.close()


def counter(value: int) -> Obj:
    meta = {"name": "counter", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"value": str(value)}}


async def count(client: Client, times: int) -> int:
    """Read, add one, write back if nobody else did; the number of conflicts on the way."""
    conflicts = 0
    while times:
        found = await client.get(MAPS, "counter", "default")
        changed = counter(int(found["data"]["value"]) + 1)
        changed["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
        try:
            await client.update(MAPS, changed)
            times -= 1
        except StatusError as error:
            assert error.code == 409
            conflicts += 1
            await asyncio.sleep(0.001)
    return conflicts


async def follow(client: Client, start: str, until: str) -> list[str]:
    seen: list[str] = []
    stream = client.watch(MAPS, "default", resource_version=start, field_selector="metadata.name=counter")
    async with aclosing(cast(Any, stream)) as events:
        async for event in events:
            seen.append(event.object["data"]["value"])
            if seen[-1] == until:
                return seen
    return seen


async def test_counting_through_two_servers_loses_nothing(servers: list[ApiServer]) -> None:
    first, second = (server.client() for server in servers)
    made = await first.create(MAPS, counter(0), "default")
    start = made["metadata"]["resourceVersion"]
    await servers[1].feed.reached(int(start))
    async with asyncio.timeout(60):
        watching = [asyncio.ensure_future(follow(client, start, "40")) for client in (first, second)]
        await asyncio.gather(count(first, 20), count(second, 20))
        wanted = [str(n) for n in range(1, 41)]
        assert await asyncio.gather(*watching) == [wanted, wanted]
