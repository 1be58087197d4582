"""Forwarding a client's connections to a port of a pod: SPDY streams in pairs, or channels of one WebSocket.

SPDY: for each connection the client opens a stream of type error and one of type data, both with the port and the
request's number. Channels (v4): port number i of the request is data on channel 2i and errors on 2i+1; each begins
with the port as two octets, low one first, and every port is dialled once. Which address is a pod's is told from
outside.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cluster.kubelet.remote import Messages
from cluster.kubelet.spdy import Session, Stream

SPDY_PROTOCOL = "portforward.k8s.io"
TUNNEL_PROTOCOL = "SPDY/3.1+portforward.k8s.io"
_BLOCK = 32 * 1024
_DIAL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """The pod as messages name it, and its address."""

    pod: str
    uid: str
    address: str

    async def dial(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError, TimeoutError."""
        async with asyncio.timeout(_DIAL_SECONDS):
            return await asyncio.open_connection(self.address, port)

    def fault(self, port: int, error: Exception) -> str:
        why = "connection timed out" if isinstance(error, TimeoutError) else _reason(error)
        return f"error forwarding port {port} to pod {self.uid}, uid : dial tcp4 {self.address}:{port}: connect: {why}"


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if number else str(error)


# -- SPDY ----------------------------------------------------------------------------------------------------


async def over_spdy(session: Session, target: Target) -> None:
    """Until the client has gone."""
    halves: dict[tuple[str, str], dict[str, Stream]] = {}
    async with asyncio.TaskGroup() as group:
        running = group.create_task(session.run())
        serving: set[asyncio.Task[None]] = set()
        while (stream := await session.accept()) is not None:
            kind, port = stream.headers.get("streamtype", ""), stream.headers.get("port", "")
            if kind not in ("data", "error") or not port.isdigit() or not 0 < int(port) < 65536:
                stream.close()
                continue
            key = (stream.headers.get("requestid", port), port)
            pair = halves.setdefault(key, {})
            pair[kind] = stream
            if len(pair) == 2:
                del halves[key]
                task = group.create_task(_forward(session, pair["data"], pair["error"], int(port), target))
                serving.add(task)
                task.add_done_callback(serving.discard)
        for task in serving:
            task.cancel()
        running.cancel()


async def _forward(session: Session, data: Stream, error: Stream, port: int, target: Target) -> None:
    with suppress(ConnectionError):
        try:
            reader, writer = await target.dial(port)
        except (OSError, TimeoutError) as fault:
            await error.send(target.fault(port, fault).encode())
        else:
            await _both_ways(reader, writer, data.receive, data.send)
        data.close()
        error.close()
        session.forget(data, error)


Receive = Callable[[], Awaitable[bytes]]
Send = Callable[[bytes], Awaitable[None]]


async def _both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, receive: Receive, send: Send) -> None:
    """Until the pod has said everything."""
    up = asyncio.ensure_future(_up(receive, writer))
    try:
        with suppress(OSError):
            while block := await reader.read(_BLOCK):
                await send(block)
    finally:
        up.cancel()
        await asyncio.gather(up, return_exceptions=True)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _up(receive: Receive, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await receive():
            writer.write(block)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


# -- channels ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Channel:
    port: int
    waiting: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(64))


async def over_channels(socket: Messages, ports: tuple[int, ...], target: Target) -> None:
    """Until the client has gone or every port's connection has ended."""
    channels = [_Channel(port) for port in ports]
    for at, channel in enumerate(channels):
        for number in (2 * at, 2 * at + 1):
            await socket.send(bytes((number,)) + struct.pack("<H", channel.port))
    listening = asyncio.ensure_future(_sort(socket, channels))
    serving = [asyncio.ensure_future(_channel(socket, at, channel, target)) for at, channel in enumerate(channels)]
    finished = asyncio.ensure_future(asyncio.wait(serving))
    ends: set[asyncio.Future[Any]] = {listening, finished}
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (listening, finished, *serving):
            task.cancel()
        await asyncio.gather(listening, finished, *serving, return_exceptions=True)
        socket.close()


async def _sort(socket: Messages, channels: list[_Channel]) -> None:
    while (message := await socket.receive()) is not None:
        if len(message) > 1 and message[0] % 2 == 0 and message[0] // 2 < len(channels):
            await channels[message[0] // 2].waiting.put(message[1:])


async def _channel(socket: Messages, at: int, channel: _Channel, target: Target) -> None:
    with suppress(ConnectionError):
        try:
            reader, writer = await target.dial(channel.port)
        except (OSError, TimeoutError) as fault:
            await socket.send(bytes((2 * at + 1,)) + target.fault(channel.port, fault).encode())
            return
        mark = bytes((2 * at,))
        await _both_ways(reader, writer, channel.waiting.get, lambda data: socket.send(mark + data))
