"""The dialects of the channel protocol: what older clients ask for, and how the same messages look in each."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from cluster.kubelet import channels, websocket
from cluster.kubelet.channels import Channels
from cluster.kubelet.remote import exited

FAILED = exited(3)


class Wire:
    """A connection that a client has filled already; keeps what is written to it."""

    def __init__(self, sent: bytes = b"") -> None:
        self.sent = sent
        self.written = b""

    async def read(self) -> bytes:
        block, self.sent = self.sent, b""
        return block

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None: ...

    def close(self) -> None: ...


def frame(kind: int, data: bytes) -> bytes:
    return bytes((0x80 | kind, len(data))) + data


def asked(protocols: str | None) -> dict[str, str]:
    headers = {"upgrade": "websocket", "sec-websocket-key": "x"}
    return headers if protocols is None else {**headers, "sec-websocket-protocol": protocols}


def test_a_client_that_names_no_protocol_is_answered_without_one() -> None:
    protocol = websocket.choose(asked(None), channels.PORTS)
    assert protocol == channels.UNNAMED
    assert b"Sec-WebSocket-Protocol" not in websocket.handshake(asked(None), protocol)


def test_the_newest_protocol_wins_and_unknown_ones_are_refused_by_name() -> None:
    assert websocket.choose(asked("channel.k8s.io, v4.channel.k8s.io"), channels.COMMANDS) == channels.V4
    with pytest.raises(websocket.NotWebSocket, match=r"none of v4\.channel\.k8s\.io, v4\.base64.* was asked for"):
        websocket.choose(asked("soap"), channels.PORTS)


async def test_base64_dialects_carry_text_with_the_channel_as_a_digit() -> None:
    wire = Wire(frame(1, b"0" + b64encode(b"hello\0")))
    spoken = Channels(websocket.WebSocket(wire), channels.V4_TEXT, outcomes=True)
    assert await spoken.receive() == b"\0hello\0"
    await spoken.send(b"\1out")
    assert wire.written == frame(1, b"1" + b64encode(b"out"))


@pytest.mark.parametrize("sent", [b"x", b"0&&&", b"9\xff"])
async def test_what_cannot_be_decoded_ends_the_conversation(sent: bytes) -> None:
    spoken = Channels(websocket.WebSocket(Wire(frame(1, sent))), channels.V1_TEXT)
    assert await spoken.receive() is None


@pytest.mark.parametrize(
    ("protocol", "status", "said"),
    [
        (channels.V4, FAILED, b"\3" + json.dumps(FAILED).encode()),
        (channels.V1, FAILED, b"\3command terminated with non-zero exit code: exit status 3"),
        (channels.UNNAMED, exited(0), b""),
    ],
)
async def test_before_v4_an_outcome_is_the_message_of_a_failure(
    protocol: str, status: dict[str, object], said: bytes
) -> None:
    wire = Wire()
    await Channels(websocket.WebSocket(wire), protocol, outcomes=True).send(b"\3" + json.dumps(status).encode())
    assert wire.written.endswith(said)
    assert bool(wire.written) == bool(said)


async def test_a_forwarded_port_has_no_outcome_on_its_third_channel() -> None:
    wire = Wire()
    await Channels(websocket.WebSocket(wire), channels.UNNAMED).send(b"\3not json")
    assert wire.written == frame(2, b"\3not json")
