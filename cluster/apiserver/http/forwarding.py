"""A client's request handed on to another HTTP server, and that server's answer handed back, upgrades included.

Who the other server is and what it is told of the user is the caller's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from cluster.apiserver.http.messages import Connection, Headers, Request, Response, stream_of
from cluster.client import httpforward
from cluster.client.httpforward import Answer, Connections, Endpoint, NoAnswer

_WHOLE = 256 * 1024
"""Bytes of an answer of known length up to which it is passed on in one piece, with its length."""
_SAID_ANEW = frozenset(("content-type", "content-length", "date"))


def onward(request: Request, endpoint: Endpoint) -> Headers:
    """The request's headers for the next server, with who asked this one. Names are in lower case."""
    kept = [(name, value) for name, value in request.fields() if name not in ("host", "x-forwarded-for")]
    before = request.headers.get("x-forwarded-for", "")
    passed = ", ".join(part for part in (before, request.peer) if part)
    return [("host", endpoint.authority), *kept, *([("x-forwarded-for", passed)] if passed else [])]


async def forward(
    endpoint: Endpoint, target: str, headers: Headers, request: Request, connections: Connections | None = None
) -> Response:
    """The endpoint's answer. `target` is path and query; without `connections` one is made for this request alone.
    Raises NoAnswer."""
    if "upgrade" in request.headers and "upgrade" in request.headers.get("connection", "").lower():
        return await _upgraded(endpoint, target, headers, request)
    send = httpforward.send if connections is None else connections.send
    answer = await send(endpoint, request.method, target, headers, request.body)
    return await passed_on(answer, request.method)


async def passed_on(answer: Answer, method: str) -> Response:
    """An answer as it came. Raises NoAnswer when it breaks off before anything has been passed on."""
    kept: Headers = [(name, value) for name, value in answer.headers if name.lower() not in _SAID_ANEW]
    media = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
    response = Response(answer.status, content_type=media, headers=kept)
    if method == "HEAD" or answer.status in (204, 304) or (answer.length is not None and answer.length <= _WHOLE):
        response.body = await answer.body()
    else:
        response.stream = stream_of(answer.chunks)
    return response


async def _upgraded(endpoint: Endpoint, target: str, headers: Headers, request: Request) -> Response:
    """The endpoint decides: its agreement and all that follows goes back as it is. A refusal ends the exchange: what
    the client sends next is another request, to be looked at by this server."""
    answer = await httpforward.upgrade(endpoint, request.method, target, headers, request.body)
    if isinstance(answer, Answer):
        if answer.status >= 400:
            return await passed_on(answer, request.method)
        await answer.chunks.aclose()  # type: ignore[attr-defined]
        raise NoAnswer(f"invalid upgrade response: status code {answer.status}")

    async def take_over(connection: Connection) -> None:
        try:
            connection.write(answer.head)
            await _both_ways(connection, answer)
        finally:
            answer.writer.close()
            with suppress(OSError):
                await answer.writer.wait_closed()

    return Response(101, takeover=take_over)


async def _both_ways(connection: Connection, answer: httpforward.Upgraded) -> None:
    """Until one side has ended."""
    up = asyncio.ensure_future(_relay(connection.read, answer.writer))
    down = asyncio.ensure_future(_down(answer.reader, connection))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
    finally:
        up.cancel()
        down.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _down(reader: asyncio.StreamReader, connection: Connection) -> None:
    async for block in _blocks(reader):
        connection.write(block)
        await connection.drain()


async def _blocks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    with suppress(OSError):
        while block := await reader.read(64 * 1024):
            yield block


async def _relay(read: Callable[[], Awaitable[bytes]], writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await read():
            writer.write(block)
            await writer.drain()
