"""Listening: sockets, TLS, and an orderly end."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence

from cluster.apiserver.http.messages import Handler
from cluster.apiserver.http.protocol import HttpProtocol, date_line

BODY_LIMIT = 3 << 20


class HttpServer:
    """Serves `handler` on an address. `port` is the real one once started."""

    def __init__(
        self,
        handler: Handler,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self._handler = handler
        self.address = address
        self.port = port
        self._tls = tls
        self._body_limit = body_limit
        self.connections: set[HttpProtocol] = set()
        self.stopping = False
        self.answering = 0
        """Requests whose answer has not begun."""
        self._server: asyncio.Server | None = None
        self._date = (0, "")
        self._last_gone: asyncio.Future[None] | None = None
        self._last_answer: asyncio.Future[None] | None = None

    async def start(self, sockets: Sequence[socket.socket] = ()) -> None:
        """Bind and listen. Raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        if sockets:
            self._server = await loop.create_server(self._protocol, sock=sockets[0], ssl=self._tls, backlog=4096)
        else:
            self._server = await loop.create_server(
                self._protocol, self.address, self.port, ssl=self._tls, backlog=4096
            )
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """No new connections, and those that wait for a request are closed. What is under way goes on; answers from
        now on say that their connection will be closed."""
        self.stopping = True
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            if connection.idle:
                connection.transport.close()

    async def quiet(self, patience: float) -> None:
        """Until no request waits for its answer any more, at most `patience` seconds. Streams are not waited for."""
        if not self.answering:
            return
        self._last_answer = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._last_answer,), timeout=patience)

    async def stop(self, patience: float = 5.0) -> None:
        """Refuse, let streams and answers run out for `patience` seconds, then cut."""
        self.refuse()
        try:
            async with asyncio.timeout(patience):
                await self._emptied()
        except TimeoutError:
            for connection in list(self.connections):
                connection.abort()
            await self._emptied()

    def answered(self) -> None:
        """A request has its answer."""
        self.answering -= 1
        if not self.answering and self._last_answer is not None and not self._last_answer.done():
            self._last_answer.set_result(None)

    async def _emptied(self) -> None:
        """Until the last connection has gone."""
        if self.connections:
            self._last_gone = asyncio.get_running_loop().create_future()
            await self._last_gone

    def gone(self, connection: HttpProtocol) -> None:
        """A connection has ended."""
        self.connections.discard(connection)
        if not self.connections and self._last_gone is not None and not self._last_gone.done():
            self._last_gone.set_result(None)

    def date_line(self) -> str:
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, date_line())
        return self._date[1]

    def _protocol(self) -> HttpProtocol:
        return HttpProtocol(self, self._handler, self._body_limit)
