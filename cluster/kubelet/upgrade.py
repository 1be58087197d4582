"""What a request to upgrade its connection asks for: WebSocket or SPDY/3.1, and which of the protocols spoken in it.

Headers come with names in lower case. Knows the first lines of the answer, nothing of what follows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cluster.kubelet import websocket
from cluster.kubelet.websocket import NotWebSocket

SPDY = "SPDY/3.1"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """`protocol` is the one agreed on; `head` is to be written before anything else."""

    spdy: bool
    protocol: str
    head: bytes


def agree(headers: Mapping[str, str], over_websocket: Sequence[str], over_spdy: Sequence[str]) -> Upgrade:
    """Raises NotWebSocket where nothing that is asked for is spoken here."""
    if headers.get("upgrade", "").lower() == SPDY.lower():
        protocol = _spdy_protocol(headers, over_spdy)
        return Upgrade(True, protocol, _spdy_head(protocol))
    protocol = websocket.choose(headers, over_websocket)
    return Upgrade(False, protocol, websocket.handshake(headers, protocol))


def _spdy_protocol(headers: Mapping[str, str], spoken: Sequence[str]) -> str:
    asked = [text.strip() for text in headers.get("x-stream-protocol-version", "").split(",")]
    for protocol in spoken:
        if protocol in asked:
            return protocol
    raise NotWebSocket(f"unable to upgrade: none of {', '.join(spoken)} was asked for")


def _spdy_head(protocol: str) -> bytes:
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Connection: Upgrade",
        f"Upgrade: {SPDY}",
        f"X-Stream-Protocol-Version: {protocol}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
