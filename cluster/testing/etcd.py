"""The real etcd, one process a test, where this machine has it (Debian: etcd-server). Knows nothing of pytest."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cluster.storage.etcd import EtcdStore
from cluster.storage.interface import StoreUnavailable


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


PROGRAM = "etcd"


def installed() -> bool:
    return shutil.which(PROGRAM) is not None


@asynccontextmanager
async def etcd(folder: Path) -> AsyncIterator[str]:
    """The URL of a fresh one that keeps its files below `folder`; it ends with the block. Raises OSError where there
    is none."""
    clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "--data-dir", str(folder / "etcd"), "--log-level", "error", "--logger", "zap",
        "--listen-client-urls", clients, "--advertise-client-urls", clients,
        "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}",
        "--heartbeat-interval", "10", "--election-timeout", "100",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await _answers(clients)
        yield clients
    finally:
        process.kill()
        await process.wait()


async def _answers(url: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                store = await EtcdStore.open(url)
            except StoreUnavailable:
                await asyncio.sleep(0.02)
                continue
            await store.close()
            return
