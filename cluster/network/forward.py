"""Handing one connection (or one datagram's sender) on to an endpoint, byte by byte.

TCP: two protocols, each writing what it reads to the other's transport and pausing the other when its own buffer is
full. An end of input travels as such, so half-closed connections work. Until an endpoint is found nothing is read
from the client; an endpoint that does not answer is skipped for the next one.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections.abc import Iterator
from typing import cast

from cluster.network.services import Endpoint

_CONNECT_SECONDS = 3.0
_ROUNDS = ((0.0), (0.05), (0.2))
"""All endpoints are tried this many times, after these pauses: one that just ended may already have a successor."""
_UDP_IDLE = 60.0
_MOST_CLIENTS = 10_000
_RESET = struct.pack("ii", 1, 0)


class Choice:
    """Whose turn it is: round robin from a random start, or the endpoint that a client stuck to."""

    def __init__(self, endpoints: tuple[Endpoint, ...] = (), affinity: float = 0.0) -> None:
        self.endpoints, self.affinity = endpoints, affinity
        self._turn = random.randrange(1 << 16)
        self._stuck: dict[str, tuple[Endpoint, float]] = {}

    def update(self, endpoints: tuple[Endpoint, ...], affinity: float) -> None:
        self.endpoints, self.affinity = endpoints, affinity
        if self._stuck:
            self._stuck = {c: e for c, e in self._stuck.items() if affinity and e[0] in endpoints}

    def order(self, client: str) -> Iterator[Endpoint]:
        """Every endpoint once, the preferred one first."""
        found, now = self.endpoints, time.monotonic()
        if not found:
            return
        stuck = self._stuck.get(client)
        if stuck is not None and now < stuck[1] and stuck[0] in found:
            yield stuck[0]
        self._turn += 1
        start = self._turn % len(found)
        for place in range(len(found)):
            yield found[(start + place) % len(found)]

    def took(self, client: str, endpoint: Endpoint) -> None:
        if not self.affinity:
            return
        if len(self._stuck) >= _MOST_CLIENTS:
            self._stuck.clear()
        self._stuck[client] = (endpoint, time.monotonic() + self.affinity)


class _Half(asyncio.Protocol):
    """One side of a connection; `other` is the transport of the other side, once there is one, `peer` its protocol."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: asyncio.Transport | None = None
        self.peer: _Half | None = None
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.write(data)

    def eof_received(self) -> bool:
        """True keeps the way back open, until that has ended too."""
        self.ended = True
        if self.other is not None and not self.other.is_closing() and self.other.can_write_eof():
            self.other.write_eof()
        if self.peer is not None and self.peer.ended:
            if self.other is not None:
                self.other.close()
            return False
        return True

    def pause_writing(self) -> None:
        if self.other is not None and not self.other.is_closing():
            self.other.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.is_closing():
            self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and not self.other.is_closing():
            self.other.close()
        self.other = self.peer = None


class Inbound(_Half):
    """A client's connection: finds an endpoint, then forwards."""

    def __init__(self, choice: Choice, connections: set[asyncio.Transport]) -> None:
        super().__init__()
        self._choice, self._connections = choice, connections
        self._finding: asyncio.Task[None] | None = None
        self._early: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            # Pausing is a wish: what was read already still comes.
            self._early.append(data)
        else:
            self.other.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.pause_reading()
        self._connections.add(self.transport)
        self._finding = asyncio.get_running_loop().create_task(self._find())

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            self._connections.discard(self.transport)
        if self._finding is not None:
            self._finding.cancel()
        super().connection_lost(exc)

    async def _find(self) -> None:
        assert self.transport is not None
        client = str((self.transport.get_extra_info("peername") or ("",))[0])
        for pause in _ROUNDS:
            if pause:
                await asyncio.sleep(pause)
            for endpoint in self._choice.order(client):
                if await self._connect(endpoint):
                    self._choice.took(client, endpoint)
                    return
        reset(self.transport)

    async def _connect(self, endpoint: Endpoint) -> bool:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await loop.create_connection(lambda: _Outbound(self), *endpoint)
        except (OSError, TimeoutError):
            return False
        return True

    def found(self, outbound: _Outbound, transport: asyncio.Transport) -> None:
        """Called as soon as the endpoint has answered: it may be the one that speaks first."""
        assert self.transport is not None
        if self.transport.is_closing():
            transport.close()
            return
        self.other, self.peer = transport, outbound
        if self._early:
            transport.write(b"".join(self._early))
            self._early.clear()
        if self.ended and transport.can_write_eof():
            transport.write_eof()
        self.transport.resume_reading()


class _Outbound(_Half):
    """The connection to the endpoint."""

    def __init__(self, inbound: Inbound) -> None:
        super().__init__()
        self._inbound = inbound

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.other, self.peer = self._inbound.transport, self._inbound
        self._inbound.found(self, cast(asyncio.Transport, transport))


def reset(transport: asyncio.Transport) -> None:
    """Refuse a connection that was already accepted, as loudly as TCP can."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        except OSError:
            pass
    transport.abort()


class Datagrams(asyncio.DatagramProtocol):
    """UDP: every sender gets a socket of its own towards its endpoint, until it has been silent for a minute."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._transport: asyncio.DatagramTransport | None = None
        self._senders: dict[tuple[str, int], _Sender] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        sender = self._senders.get(addr)
        if sender is None:
            endpoint = next(iter(self._choice.order(addr[0])), None)
            if endpoint is None or self._transport is None:
                return
            self._choice.took(addr[0], endpoint)
            sender = self._senders[addr] = _Sender(self._transport, addr, endpoint, self._forget)
        sender.send(data)

    def _forget(self, addr: tuple[str, int]) -> None:
        self._senders.pop(addr, None)

    def connection_lost(self, exc: Exception | None) -> None:
        for sender in [*self._senders.values()]:
            sender.close()


class _Sender(asyncio.DatagramProtocol):
    def __init__(
        self, back: asyncio.DatagramTransport, addr: tuple[str, int], endpoint: Endpoint, forget: object
    ) -> None:
        self._back, self._addr, self._forget = back, addr, forget
        self._transport: asyncio.DatagramTransport | None = None
        self._early: list[bytes] = []
        loop = asyncio.get_running_loop()
        self._used = loop.time()
        self._timer = loop.call_later(_UDP_IDLE, self._check)
        self._opening = loop.create_task(self._open(endpoint))

    async def _open(self, endpoint: Endpoint) -> None:
        try:
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, remote_addr=endpoint)
        except OSError:
            self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        for data in self._early:
            self._transport.sendto(data)
        self._early.clear()

    def send(self, data: bytes) -> None:
        self._used = asyncio.get_running_loop().time()
        if self._transport is not None:
            self._transport.sendto(data)
        elif len(self._early) < 64:
            self._early.append(data)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._used = asyncio.get_running_loop().time()
        self._back.sendto(data, self._addr)

    def error_received(self, exc: Exception) -> None:
        self.close()

    def _check(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._used >= _UDP_IDLE:
            self.close()
        else:
            self._timer = loop.call_later(_UDP_IDLE, self._check)

    def close(self) -> None:
        self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
        if callable(self._forget):
            self._forget(self._addr)
