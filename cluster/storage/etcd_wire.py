"""HTTP/1.1 to one member of an etcd, over TCP, TLS or the socket of a machine: requests and streams of lines.

A store asks for every write, so what a general client does for each request (pools with locks, cookies, redirects,
decoding) would cost more than the write. Here a connection is taken from a list, carries one request at a time and is
put back. It must not know what is asked.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import cast
from urllib.parse import urlsplit

import httptools

UNIX = "unix://"
_PATIENCE = 10.0
_IDLE = 64
"""Connections kept for later."""


class NotSent(OSError):
    """There was no connection, so nothing can have been done."""


class Wire:
    """`url` like http://127.0.0.1:2379, https://…, or unix:// and the path of a socket. All calls raise OSError."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self.url = url
        self._tls = tls
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._closed = False
        self._head = b" HTTP/1.1\r\nHost: etcd\r\nContent-Type: application/json\r\nContent-Length: "

    async def post(self, path: bytes, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        connection = self._kept() or await self._connect()
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await connection.ask(self._request(path, body))
        except TimeoutError:
            connection.abort()
            raise OSError(f"no answer within {_PATIENCE:g} s") from None
        except BaseException:
            connection.abort()
            raise
        if connection.lives and len(self._idle) < _IDLE:
            self._idle.append(connection)
        else:
            connection.abort()
        return answer

    def _kept(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.lives:
                return connection
        return None

    async def lines(self, path: bytes, body: bytes) -> AsyncIterator[bytes]:
        """Lines of an answer that goes on, until the other side ends it."""
        connection = await self._connect()
        try:
            connection.begin(self._request(path, body))
            rest = b""
            while block := await connection.block():
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    yield line
        finally:
            connection.abort()

    def close(self) -> None:
        self._closed = True
        for connection in list(self._open):
            connection.abort()

    def _request(self, path: bytes, body: bytes) -> bytes:
        return b"".join((b"POST ", path, self._head, b"%d" % len(body), b"\r\n\r\n", body))

    async def _connect(self) -> _Connection:
        try:
            async with asyncio.timeout(_PATIENCE):
                made = await self._reach()
        except TimeoutError:
            raise NotSent(f"{self.url} does not answer") from None
        except OSError as error:
            raise NotSent(f"{self.url}: {error.strerror or error}") from error
        if self._closed:
            made.abort()
            raise NotSent("closed")
        return made

    async def _reach(self) -> _Connection:
        loop = asyncio.get_running_loop()

        def make() -> _Connection:
            return _Connection(self._open)

        if self.url.startswith(UNIX):
            return (await loop.create_unix_connection(make, self.url.removeprefix(UNIX)))[1]
        parts = urlsplit(self.url)
        tls = (self._tls or ssl.create_default_context()) if parts.scheme == "https" else None
        return (await loop.create_connection(make, parts.hostname or "", parts.port or 2379, ssl=tls))[1]


class _Connection(asyncio.Protocol):
    """One connection; what comes is kept until it is asked for. `lives`: another request may follow."""

    def __init__(self, among: set[_Connection]) -> None:
        self._among = among
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self._complete = False
        self._streaming = False
        self._waiter: asyncio.Future[None] | None = None
        self.lives = False

    # For the wire.

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        self._send(request)
        while not self._complete:
            if not self.lives:
                raise ConnectionResetError("the connection broke off")
            await self._wait()
        body = b"".join(self._parts)
        self.lives = self.lives and self._parser.should_keep_alive()
        return self._parser.get_status_code(), body

    def begin(self, request: bytes) -> None:
        self._streaming = True
        self._send(request)

    async def block(self) -> bytes:
        """What has come; empty at the end. Raises OSError when it breaks off."""
        while not self._parts:
            if self._complete:
                return b""
            if not self.lives:
                raise ConnectionResetError("the stream broke off")
            await self._wait()
        taken, self._parts = self._parts, []
        return b"".join(taken)

    def abort(self) -> None:
        self.lives = False
        if self._transport is not None:
            self._transport.abort()

    def _send(self, request: bytes) -> None:
        if not self.lives or self._transport is None:
            raise NotSent("the connection is closed")
        self._parts, self._complete = [], False
        self._transport.write(request)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # For the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.lives = cast(asyncio.Transport, transport), True
        self._among.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()
            self._wake()

    def connection_lost(self, _: Exception | None) -> None:
        self.lives = False
        self._among.discard(self)
        self._wake()

    # For the parser.

    def on_message_begin(self) -> None:
        self._complete = False

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        if self._streaming:
            self._wake()

    def on_message_complete(self) -> None:
        self._complete = True
        self._wake()
