"""The dialects of the channel protocol over a WebSocket, as older clients speak them, made to look like the newest one.

What a client asks for as its subprotocol says two things. The coding: `base64.` sends text, the channel as a digit
before base64; the others send octets. The age: before v4 the outcome of a command is the message of its failure and
nothing at all where it succeeded, since v4 a Status. A client that asks for nothing gets octets and the old outcome.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode

from cluster.kubelet.websocket import WebSocket

V5, V4, V4_TEXT = "v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"
V1, V1_TEXT, UNNAMED = "channel.k8s.io", "base64.channel.k8s.io", ""
COMMANDS = (V5, V4, V4_TEXT, V1, V1_TEXT, UNNAMED)
"""What exec and attach are spoken in, best first."""
PORTS = (V4, V4_TEXT, UNNAMED)
_STATUS = 3


class Channels:
    """Messages that begin with their channel, over a socket that speaks `protocol`."""

    def __init__(self, socket: WebSocket, protocol: str, *, outcomes: bool = False) -> None:
        """`outcomes`: whether channel 3 carries how a command ended."""
        self._socket = socket
        self._text = protocol in (V4_TEXT, V1_TEXT)
        self._old = outcomes and protocol in (V1, V1_TEXT, UNNAMED)

    async def receive(self) -> bytes | None:
        """The next message; None when the client is gone or what it sends cannot be decoded."""
        message = await self._socket.receive()
        return _decoded(message) if message and self._text else message

    async def send(self, data: bytes) -> None:
        if self._old and data[:1] == bytes((_STATUS,)):
            data = data[:1] + str(json.loads(data[1:]).get("message", "")).encode()
            if len(data) == 1:
                return
        if self._text:
            await self._socket.send_text(b"%d" % data[0] + b64encode(data[1:]))
        else:
            await self._socket.send(data)

    def close(self) -> None:
        self._socket.close()


def _decoded(message: bytes) -> bytes | None:
    try:
        return bytes((int(message[:1]),)) + b64decode(message[1:], validate=True)
    except (ValueError, binascii.Error):
        return None
