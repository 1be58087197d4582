"""The server's side of a WebSocket, as far as the streaming protocols of Kubernetes need it (RFC 6455).

Works on a connection that somebody else has accepted; knows nothing of what the messages mean.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Protocol

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_MOST = 32 << 20


class Bytes(Protocol):
    """Raw bytes both ways; `read` answers empty at the end."""

    async def read(self) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def close(self) -> None: ...


class NotWebSocket(Exception):
    """The request asks for no WebSocket, or for no protocol that is spoken here."""


def choose(headers: Mapping[str, str], spoken: Sequence[str]) -> str:
    """The subprotocol, by the server's preference; "" where the client asks for none and that is spoken too.
    Raises NotWebSocket. Header names are in lower case."""
    if headers.get("upgrade", "").lower() != "websocket" or not headers.get("sec-websocket-key"):
        raise NotWebSocket("you must specify a WebSocket upgrade to use this endpoint")
    asked = [p.strip() for p in headers.get("sec-websocket-protocol", "").split(",")]
    for protocol in spoken:
        if protocol in asked:
            return protocol
    raise NotWebSocket(f"unable to upgrade: none of {', '.join(filter(None, spoken))} was asked for")


def handshake(headers: Mapping[str, str], protocol: str) -> bytes:
    accept = b64encode(sha1(headers["sec-websocket-key"].encode() + _GUID, usedforsecurity=False).digest()).decode()
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept}",
        *((f"Sec-WebSocket-Protocol: {protocol}",) if protocol else ()),
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class WebSocket:
    """Whole messages over a connection whose handshake is done."""

    def __init__(self, connection: Bytes) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self._ended = False

    async def receive(self) -> bytes | None:
        """The next message; None when the client has closed or gone. Pings are answered on the way."""
        parts: list[bytes] = []
        while True:
            frame = await self._frame()
            if frame is None:
                return None
            final, kind, data = frame
            if kind == _CLOSE:
                self.close()
                return None
            if kind == _PING:
                self._send(_PONG, data)
            elif kind != _PONG:
                parts.append(data)
                if final:
                    return b"".join(parts)

    async def send(self, data: bytes) -> None:
        self._send(_BINARY, data)
        await self._connection.drain()

    async def send_text(self, data: bytes) -> None:
        """`data` is UTF-8."""
        self._send(_TEXT, data)
        await self._connection.drain()

    def put(self, data: bytes) -> None:
        """Send without waiting for a slow client; `drain` does that."""
        if not self._ended:
            self._send(_BINARY, data)

    async def drain(self) -> None:
        await self._connection.drain()

    def close(self, code: int = 1000) -> None:
        if not self._ended:
            self._ended = True
            self._send(_CLOSE, code.to_bytes(2, "big"))

    def _send(self, kind: int, data: bytes) -> None:
        length = len(data)
        if length < 126:
            head = bytes((0x80 | kind, length))
        elif length < 65536:
            head = bytes((0x80 | kind, 126)) + length.to_bytes(2, "big")
        else:
            head = bytes((0x80 | kind, 127)) + length.to_bytes(8, "big")
        self._connection.write(head + data)

    async def _frame(self) -> tuple[bool, int, bytes] | None:
        head = await self._take(2)
        if head is None:
            return None
        length = head[1] & 0x7F
        if length >= 126:
            more = await self._take(2 if length == 126 else 8)
            if more is None:
                return None
            length = int.from_bytes(more, "big")
        if length > _MOST:
            return None
        mask = await self._take(4) if head[1] & 0x80 else b"\0\0\0\0"
        data = await self._take(length)
        if mask is None or data is None:
            return None
        return bool(head[0] & 0x80), head[0] & 0x0F, _unmasked(data, mask)

    async def _take(self, number: int) -> bytes | None:
        while len(self._buffer) < number:
            block = await self._connection.read()
            if not block:
                return None
            self._buffer += block
        taken = bytes(self._buffer[:number])
        del self._buffer[:number]
        return taken


class Tunnel:
    """Bytes without bounds, in a WebSocket's messages: what another protocol is spoken through."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        while (message := await self._socket.receive()) is not None:
            if message:
                return message
        return b""

    def write(self, data: bytes) -> None:
        self._socket.put(data)

    async def drain(self) -> None:
        await self._socket.drain()

    def close(self) -> None:
        self._socket.close()


def _unmasked(data: bytes, mask: bytes) -> bytes:
    if not data or mask == b"\0\0\0\0":
        return data
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")
