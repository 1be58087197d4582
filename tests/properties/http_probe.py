"""A server without sockets, and what every answer must be: no failure of the server's own, and soon."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.storage.memory import MemoryStore

PATIENCE = 5.0
FAILED = b"the server failed"


class Probe:
    """A server without sockets, in a loop of its own."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.store = MemoryStore()
        tokens = {"t": UserInfo("admin", "", ("system:masters",)), "u": UserInfo("u")}
        self.server = ApiServer(self.store, ApiServerOptions(tokens=tokens))
        self.runner.run(self.server.start())
        http = self.server._http
        assert http is not None
        self.handler = http._handler
        self.port = self.server.port

    def close(self) -> None:
        self.runner.run(self.server.stop())
        self.runner.run(self.store.close())
        self.runner.close()

    def send(self, request: Request) -> Response:
        async def answered() -> Response:
            async with asyncio.timeout(PATIENCE):
                response = await self.handler(request)
            if response.stream is not None:
                await self._stream(response)
            return response

        return self.runner.run(answered())

    @staticmethod
    async def _stream(response: Response) -> None:
        assert response.stream is not None
        writer = Sink()
        task = asyncio.ensure_future(response.stream(writer))
        await asyncio.wait((task,), timeout=0.002)
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.closed.cancel()


class Sink:
    def __init__(self) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.queued = 0

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...


def request(
    method: str, path: str, query: dict[str, str], kind: str, accept: str, body: bytes, token: str = "t"
) -> Request:
    text = "&".join(f"{quote(k)}={quote(v, errors='replace')}" for k, v in query.items())
    headers = {"content-type": kind, "accept": accept, "authorization": f"Bearer {token}"}
    return Request(method, path, text, headers, body, "127.0.0.1")


def check(probe: Probe, asked: Request) -> None:
    response = probe.send(asked)
    assert FAILED not in response.body, (asked, response.body)
    assert 200 <= response.status < 600 or response.status == 101


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()
