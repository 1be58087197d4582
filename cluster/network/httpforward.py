"""One HTTP/1.1 request to an endpoint, and its answer as it comes: what the proxy subresources need of a client.

Knows addresses and bytes, no pods. Connections are not kept: a request to another pod is seldom followed by one more.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httptools

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
_BLOCK = 64 * 1024
_DIAL_SECONDS = 10.0
_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding")
)


class NoAnswer(Exception):
    """The endpoint cannot be reached or speaks no HTTP."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    address: str
    port: int
    tls: bool = False

    async def dial(self) -> tuple[Reader, Writer]:
        """Certificates of pods are not checked: nobody signs them. Raises NoAnswer."""
        try:
            async with asyncio.timeout(_DIAL_SECONDS):
                return await asyncio.open_connection(self.address, self.port, ssl=_unchecked() if self.tls else None)
        except (OSError, TimeoutError) as error:
            why = "i/o timeout" if isinstance(error, TimeoutError) else "connect: connection refused"
            raise NoAnswer(f"dial tcp {self.address}:{self.port}: {why}") from error


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@dataclass(slots=True)
class Answer:
    """`chunks` must be read to its end or closed: it ends the connection."""

    status: int
    headers: list[tuple[str, str]]
    chunks: AsyncIterator[bytes]


def head_of(method: str, target: str, headers: Mapping[str, str], length: int, *, upgrade: bool = False) -> bytes:
    """The request's head. Of what concerns one connection only an upgrade is passed on."""
    kept = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP and name != "content-length"}
    if upgrade:
        kept["connection"] = "Upgrade"
    else:
        kept.pop("upgrade", None)
        kept["connection"] = "close"
    if length or method in ("POST", "PUT", "PATCH"):
        kept["content-length"] = str(length)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in kept.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


async def send(endpoint: Endpoint, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Raises NoAnswer."""
    reader, writer = await endpoint.dial()
    parsed = _Parsed()
    parser: Any = httptools.HttpResponseParser(parsed)
    try:
        writer.write(head_of(method, target, headers, len(body)) + body)
        while not parsed.headed:
            data = await reader.read(_BLOCK)
            if not data:
                raise NoAnswer("EOF")
            parser.feed_data(data)
    except (OSError, httptools.HttpParserError) as error:
        writer.close()
        raise NoAnswer(str(error)) from error
    except BaseException:
        writer.close()
        raise
    kept = [(name, value) for name, value in parsed.headers if name.lower() not in _HOP_BY_HOP]
    return Answer(parser.get_status_code(), kept, _body(reader, writer, parser, parsed, empty=method == "HEAD"))


async def _body(reader: Reader, writer: Writer, parser: Any, parsed: _Parsed, *, empty: bool) -> AsyncIterator[bytes]:
    try:
        while not empty:
            for part in parsed.take():
                yield part
            if parsed.complete:
                break
            data = await reader.read(_BLOCK)
            if not data:
                break
            parser.feed_data(data)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@dataclass(slots=True)
class _Parsed:
    """What the parser calls."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    headed: bool = False
    complete: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, data: bytes) -> None:
        self.parts.append(data)

    def on_message_complete(self) -> None:
        self.complete = True

    def take(self) -> list[bytes]:
        taken, self.parts = self.parts, []
        return taken
