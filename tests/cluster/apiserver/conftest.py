"""A server without sockets for the tests of the registry, and one with them for the tests of the wire."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from apiserver_hooks import Hooks, certificate
from apiserver_wire import Wire

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.storage.memory import MemoryStore

ADMIN = UserInfo("admin", "", ("system:masters",))


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    store = MemoryStore()
    made = ApiServer(store, ApiServerOptions(serve=False))
    await made.start()
    yield made
    await made.stop()
    await store.close()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    store = MemoryStore()
    tokens = {"admin": ADMIN, "alice": UserInfo("alice")}
    made = ApiServer(store, ApiServerOptions(tokens=tokens))
    await made.start()
    connection = Wire(made)
    yield connection
    connection.close()
    await made.stop()
    await store.close()


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[Hooks]:
    file, bundle = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    made = Hooks(bundle)
    listener = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    made.port = listener.sockets[0].getsockname()[1]
    yield made
    listener.close()
    await listener.wait_closed()
