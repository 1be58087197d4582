"""The server's side of SPDY/3.1, as far as Kubernetes clients speak it: streams in both directions over one connection.

Frames are parsed here, streams are handed out by `accept`; what they carry is nobody's business here. Clients of
Kubernetes neither send nor heed window updates, so none are kept: what a stream's reader has not taken holds up the
whole connection once it is much.

A frame is eight octets and its data. Control frames: 0x8003, type (16 bits), flags (8), length (24). Data frames:
stream (32 bits, the first of them 0), flags (8), length (24). Headers are packed by one zlib stream each way, which
starts from the dictionary of the protocol.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress

from cluster.kubelet.websocket import Bytes

_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY, _HEADERS = 1, 2, 3, 6, 7, 8
_FIN = 1
_CONTROL = 0x80030000
_BLOCK = 32 * 1024
_MOST_FRAME = 16 << 20
_MOST_WAITING = 1 << 20
_MOST_HEADERS = 64 * 1024
_MOST_STREAMS = 4096
_CANCEL = 5

_NAMES = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow"
    " authorization cache-control connection content-base content-encoding content-language content-length"
    " content-location content-md5 content-range content-type date etag expect expires from host if-match"
    " if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma"
    " proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade"
    " user-agent vary via warning www-authenticate method get status"
)
_REST = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _counted(words: list[str]) -> bytes:
    return b"".join(struct.pack(">I", len(word)) + word.encode() for word in words)


DICTIONARY = (
    _counted([*_NAMES.split(), "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"])
    + _REST.encode()
)
"""What both sides' compression starts from; zlib names it by its Adler-32, 0xe3c6a7c2."""


class Broken(Exception):
    """The other side speaks no SPDY/3.1."""


class Stream:
    """One stream that the client has opened. `headers` has lower-case names."""

    def __init__(self, session: Session, number: int, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._session, self._number = session, number
        self._waiting: list[bytes] = []
        self._size = 0
        self._changed = asyncio.Event()
        self._over = self._closed = False

    async def receive(self) -> bytes:
        """What has come; empty at the end."""
        while not self._waiting and not self._over:
            self._changed.clear()
            await self._changed.wait()
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._size = 0
        self._session.taken()
        return data

    async def send(self, data: bytes) -> None:
        """Raises ConnectionError when the client is gone."""
        for at in range(0, len(data), _BLOCK):
            if self._closed:
                return
            self._session.write_data(self._number, data[at : at + _BLOCK])
            await self._session.drain()

    def close(self) -> None:
        """No more will be sent; what the client sends is still read."""
        if not self._closed:
            self._closed = True
            self._session.write_data(self._number, b"", final=True)

    # For the session.

    @property
    def full(self) -> bool:
        return self._size > _MOST_WAITING and not self._over

    def feed(self, data: bytes, *, final: bool) -> None:
        if data and not self._over:
            self._waiting.append(data)
            self._size += len(data)
        self._over = self._over or final
        self._changed.set()

    def reset(self) -> None:
        self._closed = True
        self.feed(b"", final=True)


class Session:
    """`run` until the connection ends; `accept` meanwhile."""

    def __init__(self, connection: Bytes) -> None:
        self._connection = connection
        self._streams: dict[int, Stream] = {}
        self._arrived: asyncio.Queue[Stream | None] = asyncio.Queue()
        self._buffer = bytearray()
        self._taken = asyncio.Event()
        self._unpack = zlib.decompressobj(zdict=DICTIONARY)
        self._pack = zlib.compressobj(9, zlib.DEFLATED, 11, 8, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)

    async def accept(self) -> Stream | None:
        """The next stream that the client opens; None when the connection has ended."""
        return await self._arrived.get()

    async def run(self) -> None:
        """Take frames in. A client that breaks the protocol is cut off."""
        with suppress(Broken, zlib.error, struct.error, ConnectionError):
            while await self._frame():
                pass
        for stream in self._streams.values():
            stream.reset()
        self._streams.clear()
        self._arrived.put_nowait(None)

    def close(self) -> None:
        self._control(_GOAWAY, 0, struct.pack(">II", 0, 0))
        self._connection.close()

    def taken(self) -> None:
        self._taken.set()

    async def drain(self) -> None:
        await self._connection.drain()

    def write_data(self, number: int, data: bytes, *, final: bool = False) -> None:
        self._connection.write(struct.pack(">II", number, (_FIN if final else 0) << 24 | len(data)) + data)

    def _control(self, kind: int, flags: int, data: bytes) -> None:
        self._connection.write(struct.pack(">II", _CONTROL | kind, flags << 24 | len(data)) + data)

    # Taking in.

    async def _frame(self) -> bool:
        head = await self._take(8)
        if head is None:
            return False
        first, second = struct.unpack(">II", head)
        flags, length = second >> 24, second & 0xFFFFFF
        if length > _MOST_FRAME:
            raise Broken
        data = await self._take(length)
        if data is None:
            return False
        if first >> 31:
            if first & 0xFFFF0000 != _CONTROL:
                raise Broken
            return self._act(first & 0xFFFF, flags, data)
        await self._deliver(first, data, final=bool(flags & _FIN))
        return True

    async def _deliver(self, number: int, data: bytes, *, final: bool) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.feed(data, final=final)
        while stream.full:
            self._taken.clear()
            await self._taken.wait()

    def _act(self, kind: int, flags: int, data: bytes) -> bool:
        if kind == _SYN_STREAM:
            self._open(flags, data)
        elif kind == _HEADERS:
            # They change nothing here, but the packing goes on through them.
            self._headers(data[4:])
        elif kind == _RST_STREAM:
            stream = self._streams.pop(struct.unpack(">I", data[:4])[0] & 0x7FFFFFFF, None)
            if stream is not None:
                stream.reset()
        elif kind == _PING:
            self._control(_PING, 0, data)
        return kind != _GOAWAY

    def _open(self, flags: int, data: bytes) -> None:
        number = struct.unpack(">I", data[:4])[0] & 0x7FFFFFFF
        headers = self._headers(data[10:])
        if number % 2 == 0 or number in self._streams:
            raise Broken
        if len(self._streams) >= _MOST_STREAMS:
            self._control(_RST_STREAM, 0, struct.pack(">II", number, _CANCEL))
            return
        stream = self._streams[number] = Stream(self, number, headers)
        packed = self._pack.compress(struct.pack(">I", 0)) + self._pack.flush(zlib.Z_SYNC_FLUSH)
        self._control(_SYN_REPLY, 0, struct.pack(">I", number) + packed)
        if flags & _FIN:
            stream.feed(b"", final=True)
        self._arrived.put_nowait(stream)

    def _headers(self, packed: bytes) -> dict[str, str]:
        text = self._unpack.decompress(packed, _MOST_HEADERS)
        if self._unpack.unconsumed_tail:
            raise Broken
        words = _words(text)
        return {name.lower(): value for name, value in zip(words, words, strict=False)}

    def forget(self, *streams: Stream) -> None:
        """Streams whose work is done; what still comes for them is dropped."""
        gone = set(streams)
        self._streams = {number: stream for number, stream in self._streams.items() if stream not in gone}

    async def _take(self, number: int) -> bytes | None:
        while len(self._buffer) < number:
            block = await self._connection.read()
            if not block:
                return None
            self._buffer += block
        taken = bytes(self._buffer[:number])
        del self._buffer[:number]
        return taken


def _words(text: bytes) -> Iterator[str]:
    """Names and values in turn, each after its length; the first number counts the pairs."""
    at = 4
    while at + 4 <= len(text):
        length = struct.unpack_from(">I", text, at)[0]
        yield text[at + 4 : at + 4 + length].decode("latin-1")
        at += 4 + length
