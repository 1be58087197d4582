"""HTTP/1.1 requests to an endpoint, and the answers as they come: what a server needs to hand requests on.

Knows addresses and bytes, no pods and no Services. Bodies of answers are read at the pace of whoever takes them.
`Connections` keeps connections for the next request; `send` alone uses each for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httptools

from cluster.client.endpoint import Endpoint, NoAnswer, Reader, Writer

__all__ = ["Answer", "Connections", "Endpoint", "Headers", "NoAnswer", "Upgraded", "head_of", "send", "upgrade"]

Headers: TypeAlias = Iterable[tuple[str, str]]
Streams: TypeAlias = tuple[Reader, Writer]
_BLOCK = 64 * 1024
_HEAD_LIMIT = 1 << 20
_MOST_IDLE = 8
"""Connections kept for one endpoint."""
_IDLE_SECONDS = 30.0
HOP_BY_HOP = frozenset(
    (
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding",
    )
)  # fmt: skip
_ASKED_HERE = frozenset(("content-length", "expect"))
_REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


@dataclass(slots=True)
class Answer:
    """`chunks` must be read to its end or closed: it ends or gives back the connection, and raises NoAnswer when the
    endpoint breaks off. `length` is what the endpoint said, None where it did not."""

    status: int
    headers: list[tuple[str, str]]
    chunks: AsyncIterator[bytes]
    length: int | None = None

    async def body(self) -> bytes:
        """All of it. Raises NoAnswer."""
        return b"".join([chunk async for chunk in self.chunks])


def head_of(
    method: str, target: str, headers: Headers, length: int, *, upgrade: bool = False, keep: bool = False
) -> bytes:
    """The request's head. Of what concerns one connection only an upgrade is passed on. Raises NoAnswer for a value
    that would end its line: names of users go into headers, and must not become headers."""
    kept = [(n, v) for n, v in headers if n not in HOP_BY_HOP and n not in _ASKED_HERE and (upgrade or n != "upgrade")]
    if upgrade:
        kept.append(("connection", "Upgrade"))
    elif not keep:
        kept.append(("connection", "close"))
    if length or method in ("POST", "PUT", "PATCH"):
        kept.append(("content-length", str(length)))
    for name, value in kept:
        if any(char in value for char in "\r\n\0"):
            raise NoAnswer(f'net/http: invalid header field value for "{name.title()}"')
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in kept)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


async def send(endpoint: Endpoint, method: str, target: str, headers: Headers, body: bytes) -> Answer:
    """Over a connection of its own. Raises NoAnswer."""
    message = head_of(method, target, headers, len(body)) + body
    return await _exchange(await endpoint.dial(), message, method, None)


class Connections:
    """Connections that are used again. They live for as long as somebody uses them, and a little longer."""

    def __init__(self) -> None:
        self._idle: dict[Endpoint, list[Streams]] = {}

    async def send(self, endpoint: Endpoint, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        """Raises NoAnswer. A kept connection that has died meanwhile is noticed, and the request sent anew where
        sending it twice does no harm."""
        message = head_of(method, target, headers, len(body), keep=True) + body
        while (kept := self._take(endpoint)) is not None:
            try:
                return await _exchange(kept, message, method, (self, endpoint))
            except NoAnswer:
                if method not in _REPEATABLE:
                    raise
        return await _exchange(await endpoint.dial(), message, method, (self, endpoint))

    def _take(self, endpoint: Endpoint) -> Streams | None:
        kept = self._idle.get(endpoint)
        while kept:
            reader, writer = kept.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return None

    def keep(self, endpoint: Endpoint, streams: Streams) -> None:
        """Take back a connection whose answer has been read."""
        kept = self._idle.setdefault(endpoint, [])
        if len(kept) >= _MOST_IDLE:
            streams[1].close()
            return
        kept.append(streams)
        asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._expire, endpoint, streams)

    def _expire(self, endpoint: Endpoint, streams: Streams) -> None:
        kept = self._idle.get(endpoint, [])
        if streams in kept:
            kept.remove(streams)
            streams[1].close()
        if not kept:
            self._idle.pop(endpoint, None)

    def close(self) -> None:
        """End what is not in use."""
        for kept in self._idle.values():
            for _, writer in kept:
                writer.close()
        self._idle.clear()


Home: TypeAlias = tuple[Connections, Endpoint]


async def _exchange(streams: Streams, message: bytes, method: str, home: Home | None) -> Answer:
    reader, writer = streams
    parsed = _Parsed()
    parsed.parser = httptools.HttpResponseParser(parsed)
    try:
        writer.write(message)
        while not parsed.headed:
            data = await reader.read(_BLOCK)
            if not data:
                raise NoAnswer("EOF")
            parsed.parser.feed_data(data)
    except (OSError, httptools.HttpParserError) as error:
        writer.close()
        raise NoAnswer(str(error)) from error
    except BaseException:
        writer.close()
        raise
    return _answer(streams, parsed, method, home)


def _answer(streams: Streams, parsed: _Parsed, method: str, home: Home | None) -> Answer:
    kept = [(name, value) for name, value in parsed.headers if name.lower() not in HOP_BY_HOP]
    length = next((value for name, value in kept if name.lower() == "content-length"), "")
    chunks = _body(streams, parsed, home, empty=method == "HEAD")
    return Answer(parsed.parser.get_status_code(), kept, chunks, int(length) if length.isdigit() else None)


async def _body(streams: Streams, parsed: _Parsed, home: Home | None, *, empty: bool) -> AsyncIterator[bytes]:
    reader, writer = streams
    whole = False
    try:
        while not empty:
            for part in parsed.take():
                yield part
            if parsed.complete:
                whole = True
                break
            data = await reader.read(_BLOCK)
            if data:
                parsed.parser.feed_data(data)
            elif parsed.delimited:
                raise NoAnswer("unexpected EOF")
            else:
                break
    except (OSError, httptools.HttpParserError) as error:
        raise NoAnswer(str(error)) from error
    finally:
        if whole and home is not None and parsed.keep:
            home[0].keep(home[1], streams)
        else:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@dataclass(slots=True)
class _Parsed:
    """What the parser calls. Answers that only say to wait (1xx) are passed over."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    headed: bool = False
    complete: bool = False
    delimited: bool = False
    """The end of the body is told, not just the end of the connection."""
    keep: bool = False
    """The connection is good for another request; the parser knows it only at the end of the message."""
    parser: Any = None

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if 100 <= self.parser.get_status_code() < 200:
            self.headers.clear()
            return
        self.headed = True
        self.delimited = any(n.lower() in ("content-length", "transfer-encoding") for n, _ in self.headers)

    def on_body(self, data: bytes) -> None:
        self.parts.append(data)

    def on_message_complete(self) -> None:
        self.complete = self.headed
        self.keep = self.parser.should_keep_alive()

    def take(self) -> list[bytes]:
        taken, self.parts = self.parts, []
        return taken


@dataclass(slots=True)
class Upgraded:
    """An endpoint's agreement to speak another protocol. `head` is its answer as it came, with what may have come
    behind it; on `reader` and `writer` the other protocol is spoken."""

    head: bytes
    reader: Reader
    writer: Writer


async def upgrade(endpoint: Endpoint, method: str, target: str, headers: Headers, body: bytes) -> Upgraded | Answer:
    """What the endpoint agrees to, or what it answers instead. Raises NoAnswer."""
    message = head_of(method, target, headers, len(body), upgrade=True) + body
    try:
        reader, writer = await endpoint.dial()
    except NoAnswer as error:
        raise NoAnswer(f"error dialing backend: {error}") from error
    try:
        writer.write(message)
        head = b""
        while b"\r\n\r\n" not in head:
            data = await reader.read(_BLOCK)
            if not data or len(head) > _HEAD_LIMIT:
                raise NoAnswer("EOF" if not data else "the head of the answer is too long")
            head += data
        if _status_of(head) == 101:
            return Upgraded(head, reader, writer)
        parsed = _Parsed()
        parsed.parser = httptools.HttpResponseParser(parsed)
        parsed.parser.feed_data(head)
        return _answer((reader, writer), parsed, method, None)
    except (OSError, httptools.HttpParserError) as error:
        writer.close()
        raise NoAnswer(str(error)) from error
    except BaseException:
        writer.close()
        raise


def _status_of(head: bytes) -> int:
    words = head.split(b"\r\n", 1)[0].split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise NoAnswer("malformed HTTP response")
    return int(words[1])
