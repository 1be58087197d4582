"""A client that speaks before its endpoint was found loses nothing, whichever event loop reads how early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cluster.network.forward import Choice, Inbound

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop]
try:
    import uvloop
except ImportError:
    pass
else:
    LOOPS.append(uvloop.new_event_loop)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _story() -> None:
    loop = asyncio.get_running_loop()
    endpoint = await asyncio.start_server(_echo, "127.0.0.1", 0)
    choice = Choice()
    choice.update((("127.0.0.1", endpoint.sockets[0].getsockname()[1]),), 0)
    connections: set[asyncio.Transport] = set()
    proxy = await loop.create_server(lambda: Inbound(choice, connections), "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    for i in range(100):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello %d" % i)
        if i % 2:
            writer.write_eof()
        assert await asyncio.wait_for(reader.readexactly(len(b"hello %d" % i)), 5) == b"hello %d" % i
        if i % 2:
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    proxy.close()
    endpoint.close()


@pytest.mark.parametrize("make", LOOPS)
def test_bytes_before_the_endpoint_is_found_are_forwarded(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(_story())
