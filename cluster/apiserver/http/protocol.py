"""One connection: parse, call the handler, write the answer, keep alive.

Requests of a connection are answered one after the other; while one is being worked on, reading pauses, so a client
that pipelines without end costs nothing. Streams write straight to the transport and wait only when the client is
slow.
"""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import httptools

from cluster.apiserver.http.messages import Handler, Request, Response

if TYPE_CHECKING:
    from cluster.apiserver.http.server import HttpServer

_REASONS = {s.value: s.phrase for s in HTTPStatus}
HEAD_LIMIT = 1 << 20
"""Bytes of request line and headers, as in Go."""
RAW_LIMIT = 256 * 1024
"""Bytes of an upgraded connection that wait to be taken before no more are read."""
_METHODS_OF_NOTE = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"))


class HttpProtocol(asyncio.Protocol):
    """See the module. `body_limit` in bytes."""

    def __init__(self, server: HttpServer, handler: Handler, body_limit: int) -> None:
        self._server = server
        self._handler = handler
        self._body_limit = body_limit
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._peer = ""
        self._certificate: bytes | None = None
        self._chain: tuple[bytes, ...] = ()
        self._ready: list[tuple[Request, bool]] = []
        self._task: asyncio.Task[None] | None = None
        self._raw: RawConnection | None = None
        self._may_write: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._lost = False
        self._early = b""
        self._in_head, self._head_size = True, 0
        self._reset()

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        name = transport.get_extra_info("peername")
        self._peer = str(name[0]) if isinstance(name, tuple) and name else ""
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._certificate = tls.getpeercert(binary_form=True)
            self._chain = chain_above(tls) if self._certificate else ()
        self._server.connections.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._lost = True
        self._server.gone(self)
        for waiter in (self._may_write, self._gone):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        if self._raw is not None:
            self._raw.feed(b"")
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._raw is not None:
            self._raw.feed(data)
            return
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT:
                self._refuse(431, "Request Header Fields Too Large")
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._after_upgrade(data[upgrade.args[0] :])
        except (httptools.HttpParserError, httptools.HttpParserInvalidMethodError) as error:
            self._refuse_bytes(data, error)

    def pause_writing(self) -> None:
        if self._may_write is None or self._may_write.done():
            self._may_write = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._may_write is not None and not self._may_write.done():
            self._may_write.set_result(None)

    # The parser's side.

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._repeated: dict[str, list[str]] | None = None
        self._body: list[bytes] = []
        self._size = 0

    def on_message_begin(self) -> None:
        self._in_head, self._head_size = True, 0
        self._reset()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        if key not in self._headers:
            self._headers[key] = text
            return
        if self._repeated is None:
            self._repeated = {}
        self._repeated.setdefault(key, [self._headers[key]]).append(text)
        self._headers[key] = f"{self._headers[key]}, {text}"

    def on_headers_complete(self) -> None:
        self._in_head, self._head_size = False, 0
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= self._body_limit:
            self._body.append(data)

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        body = b"".join(self._body) if len(self._body) != 1 else self._body[0]
        request = Request(
            self._parser.get_method().decode("latin-1"),
            path,
            query,
            self._headers,
            body,
            self._peer,
            self._certificate,
            self._chain,
        )
        if self._repeated is not None:
            request.repeated = self._repeated
        if self._size > self._body_limit:
            request.headers["x-body-too-large"] = str(self._size)
        self._ready.append((request, self._parser.should_keep_alive()))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())
        else:
            self._transport.pause_reading()

    # Answering.

    async def _serve(self) -> None:
        try:
            while self._ready and not self._lost:
                request, keep = self._ready.pop(0)
                keep = keep and "upgrade" not in request.headers
                if not await self._answer(request, keep):
                    break
            self._task = None
            if not self._lost:
                self._transport.resume_reading()
        except asyncio.CancelledError:
            if not self._lost:
                self._transport.close()
        except ConnectionError:
            self._transport.close()

    async def _answer(self, request: Request, keep: bool) -> bool:
        self._server.answering += 1
        try:
            response = await self._handler(request)
        finally:
            self._server.answered()
        try:
            return await self._send(request, response, keep)
        finally:
            if response.ended is not None:
                response.ended()

    async def _send(self, request: Request, response: Response, keep: bool) -> bool:
        if self._lost:
            return False
        keep = keep and not self._server.stopping
        if response.takeover is not None:
            await self._hand_over(response)
            return False
        if response.stream is not None:
            keep = await self._send_stream(request, response, keep)
        else:
            self._transport.write(self._head(request, response, keep, len(response.body)) + response.body)
            if self._may_write is not None:
                await self._may_write
        if not keep:
            self._transport.close()
        return keep

    def _head(self, request: Request, response: Response, keep: bool, length: int | None) -> bytes:
        lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
        # A 304 speaks of the answer the client has kept; clients merge its headers into that one.
        bodiless = response.status in (204, 304)
        if response.content_type and not bodiless:
            lines.append(f"Content-Type: {response.content_type}")
        lines += [f"{name}: {value}" for name, value in response.headers]
        lines.append(self._server.date_line())
        if length is None:
            lines.append("Transfer-Encoding: chunked")
        elif not bodiless:
            lines.append(f"Content-Length: {length}")
        if not keep:
            lines.append("Connection: close")
        if request.method == "HEAD":
            response.body = b""
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    async def _send_stream(self, request: Request, response: Response, keep: bool) -> bool:
        assert response.stream is not None
        self._transport.write(self._head(request, response, keep, None))
        writer = ChunkWriter(self)
        try:
            await response.stream(writer)
        except Exception:
            # The status line has gone out; cutting the connection is the only way left to tell, and what a client
            # that does not read has not taken yet must not be kept.
            self._transport.abort()
            return False
        if self._lost:
            return False
        self._transport.write(b"0\r\n\r\n")
        if self._server.stopping:
            self._transport.close()
            return False
        return keep

    async def _hand_over(self, response: Response) -> None:
        assert response.takeover is not None
        self._raw = RawConnection(self, self._transport)
        if self._early:
            self._raw.feed(self._early)
        self._transport.resume_reading()
        try:
            await response.takeover(self._raw)
        finally:
            self._transport.close()

    def _after_upgrade(self, rest: bytes) -> None:
        # The parser stops at an Upgrade header; whether the connection is handed over is the handler's choice.
        self._early = rest

    def _refuse_bytes(self, data: bytes, error: Exception) -> None:
        if self._lost or self._transport.is_closing():
            return
        unknown_method = isinstance(error, httptools.HttpParserInvalidMethodError)
        if unknown_method and self._task is None and (request := _read_plainly(data, self._peer, self._certificate)):
            self._ready.append((request, False))
            self._task = asyncio.get_running_loop().create_task(self._serve())
            return
        self._refuse(400, "Bad Request")

    def _refuse(self, status: int, why: str) -> None:
        if self._lost or self._transport.is_closing():
            return
        self._transport.write(
            f"HTTP/1.1 {status} {why}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Connection: close\r\n\r\n{status} {why}".encode()
        )
        self._transport.close()

    # For writers.

    @property
    def transport(self) -> asyncio.Transport:
        return self._transport

    @property
    def lost(self) -> bool:
        return self._lost

    def gone(self) -> asyncio.Future[None]:
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
            if self._lost:
                self._gone.set_result(None)
        return self._gone

    async def drained(self) -> None:
        if self._may_write is not None and not self._may_write.done():
            await asyncio.shield(self._may_write)
        if self._lost:
            raise ConnectionResetError("the client went away")

    def abort(self) -> None:
        self._transport.abort()

    @property
    def idle(self) -> bool:
        return self._task is None


class ChunkWriter:
    """Chunked transfer coding; see messages.Writer."""

    __slots__ = ("_protocol", "_transport")

    def __init__(self, protocol: HttpProtocol) -> None:
        self._protocol = protocol
        self._transport = protocol.transport

    def write(self, data: bytes) -> None:
        if data and not self._protocol.lost:
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def drain(self) -> None:
        await self._protocol.drained()

    @property
    def queued(self) -> int:
        return self._transport.get_write_buffer_size()

    @property
    def closed(self) -> asyncio.Future[None]:
        return self._protocol.gone()


class RawConnection:
    """See messages.Connection. What the client sends is read from the wire at the pace at which it is taken here."""

    def __init__(self, protocol: HttpProtocol, transport: asyncio.Transport) -> None:
        self._protocol = protocol
        self._transport = transport
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._held = 0

    def feed(self, data: bytes) -> None:
        self._waiting.put_nowait(data)
        before, self._held = self._held, self._held + len(data)
        if before <= RAW_LIMIT < self._held:
            self._transport.pause_reading()

    async def read(self) -> bytes:
        data = await self._waiting.get()
        before, self._held = self._held, self._held - len(data)
        if self._held <= RAW_LIMIT < before and not self._protocol.lost:
            self._transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        if not self._protocol.lost:
            self._transport.write(data)

    async def drain(self) -> None:
        await self._protocol.drained()

    def close(self) -> None:
        self._transport.close()


def _read_plainly(data: bytes, peer: str, certificate: bytes | None) -> Request | None:
    """A request whose method the parser does not know (it must still get its 405)."""
    head, _, _ = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[0].isalpha() or words[0] in _METHODS_OF_NOTE:
        return None
    headers = {}
    for line in rest:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    path, _, query = words[1].partition("?")
    return Request(words[0], path, query, headers, b"", peer, certificate)


def chain_above(tls: Any) -> tuple[bytes, ...]:
    """The verified certificates above the client's, DER. Public in Python from 3.13 on, there before."""
    told = getattr(tls, "get_verified_chain", None)
    if told is not None:
        return tuple(told()[1:])
    return tuple(_der(certificate) for certificate in tls._sslobj.get_verified_chain()[1:])


def _der(certificate: Any) -> bytes:
    import ssl

    return ssl.PEM_cert_to_DER_cert(certificate.public_bytes())


def date_line() -> str:
    return f"Date: {formatdate(usegmt=True)}"
