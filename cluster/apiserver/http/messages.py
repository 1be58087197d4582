"""What passes between the wire and the handlers: a request, a response, a stream, an upgraded connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

Headers = list[tuple[str, str]]


class Writer(Protocol):
    """The body of a streaming response."""

    def write(self, data: bytes) -> None:
        """Send now, or queue when the client reads slowly."""
        ...

    async def drain(self) -> None:
        """Wait until the client has caught up. Raises ConnectionError when it is gone."""
        ...

    @property
    def queued(self) -> int:
        """Bytes the client has not taken yet."""
        ...

    @property
    def closed(self) -> asyncio.Future[None]:
        """Done when the client went away."""
        ...


class Connection(Protocol):
    """A connection handed over after an upgrade: raw bytes both ways."""

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        ...

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Request:
    """One request. `headers` has lower-case names; repeated ones are joined by a comma, as HTTP allows."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    peer: str = ""
    certificate: bytes | None = None
    """The verified client certificate, DER."""
    chain: tuple[bytes, ...] = ()
    """The certificates above it up to the authority that vouches for it, DER."""
    repeated: Mapping[str, list[str]] | None = None
    """The single values of headers that came more than once."""

    def values(self, name: str) -> list[str]:
        """The values of a header, one for each time it came. `name` is in lower case."""
        if name not in self.headers:
            return []
        return self.repeated[name] if self.repeated is not None and name in self.repeated else [self.headers[name]]

    def fields(self) -> Iterator[tuple[str, str]]:
        """Every header as it came, but for the order of repeated ones."""
        for name in self.headers:
            for value in self.values(name):
                yield name, value


Stream = Callable[[Writer], Awaitable[None]]
Takeover = Callable[[Connection], Awaitable[None]]


@dataclass(slots=True)
class Response:
    """An answer: with a body, with a stream (chunked), or with a takeover of the connection (101)."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Headers = field(default_factory=list)
    stream: Stream | None = None
    takeover: Takeover | None = None
    ended: Callable[[], None] | None = None
    """Called once, when the stream or takeover is over, however it came about."""


def stream_of(chunks: AsyncIterator[bytes]) -> Stream:
    """A stream that sends what an iterator yields, at the client's pace."""

    async def send(writer: Writer) -> None:
        async for chunk in chunks:
            writer.write(chunk)
            await writer.drain()

    return send


Handler = Callable[[Request], Awaitable[Response]]
