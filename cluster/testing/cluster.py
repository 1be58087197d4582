"""A cluster in the process of the test: the real parts, a store in memory, no socket unless asked for.

    async with running_cluster(tmp_path) as cluster:
        await cluster.client.create(...)

Nothing runs for real by default; with `runtime="process"` containers are processes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from cluster.apiserver.options import ApiServerOptions
from cluster.assembly.cluster import Cluster, ClusterOptions
from cluster.kinds.checks import LOOPBACK
from cluster.storage.interface import Store
from cluster.storage.memory import MemoryStore

T = TypeVar("T")


@asynccontextmanager
async def running_cluster(
    root: Path,
    *,
    runtime: str = "simulated",
    nodes: int = 1,
    serve: bool = False,
    proxy: bool = False,
    service_cidr: str = "127.95.0.0/16",
    pod_network: str = "127.3",
    store: Store | None = None,
) -> AsyncIterator[Cluster]:
    """Ready when entered, wholly stopped when left."""
    server = ApiServerOptions(serve=serve, service_cidr=service_cidr, allowances=frozenset({LOOPBACK}))
    options = ClusterOptions(
        root=root, runtime=runtime, nodes=nodes, node_name="node", service_cidr=service_cidr,
        pod_network=pod_network, server=server, proxy=proxy,
    )  # fmt: skip
    cluster = Cluster(store or MemoryStore(), options)
    await cluster.start()
    try:
        yield cluster
    finally:
        await cluster.stop()


async def eventually(look: Callable[[], Awaitable[T]], good: Callable[[T], bool], seconds: float = 10.0) -> T:
    """Look until it is good; AssertionError with the last thing seen."""
    import asyncio

    until = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if good(seen):
            return seen
        assert asyncio.get_running_loop().time() < until, f"never came about; last seen: {seen}"
        await asyncio.sleep(0.01)
