"""SPDY/3.1 as clients of Kubernetes speak it, frame by frame."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator

import pytest

from cluster.kubelet.spdy import DICTIONARY, Session, Stream


class Wire:
    """A connection whose other end is the test."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[bytes] = asyncio.Queue()
        self.sent = bytearray()
        self.closed = False
        self._pack = zlib.compressobj(9, zlib.DEFLATED, 15, 8, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)

    async def read(self) -> bytes:
        return await self.coming.get()

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None:
        return

    def close(self) -> None:
        self.closed = True

    def control(self, kind: int, data: bytes, flags: int = 0) -> None:
        self.coming.put_nowait(struct.pack(">HHI", 0x8003, kind, flags << 24 | len(data)) + data)

    def open(self, number: int, flags: int = 0, **headers: str) -> None:
        words = [word.encode() for pair in headers.items() for word in pair]
        block = struct.pack(">I", len(headers)) + b"".join(struct.pack(">I", len(w)) + w for w in words)
        packed = self._pack.compress(block) + self._pack.flush(zlib.Z_SYNC_FLUSH)
        self.control(1, struct.pack(">IIH", number, 0, 0) + packed, flags)

    def data(self, number: int, data: bytes, flags: int = 0) -> None:
        self.coming.put_nowait(struct.pack(">II", number, flags << 24 | len(data)) + data)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def session(wire: Wire) -> AsyncIterator[Session]:
    made = Session(wire)
    task = asyncio.create_task(made.run())
    yield made
    wire.coming.put_nowait(b"")
    await task


async def accepted(session: Session) -> Stream:
    stream = await session.accept()
    assert stream is not None
    return stream


def test_the_dictionary_is_the_protocols() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


async def test_streams_arrive_with_headers_and_are_answered(wire: Wire, session: Session) -> None:
    wire.open(1, streamType="error", port="80")
    wire.open(3, streamType="data", port="80")
    first, second = await accepted(session), await accepted(session)
    assert first.headers == {"streamtype": "error", "port": "80"}
    assert second.headers["streamtype"] == "data"
    assert wire.sent[:4] == b"\x80\x03\x00\x02"
    assert struct.unpack(">I", wire.sent[8:12]) == (1,)


async def test_data_passes_both_ways_and_each_way_ends_by_itself(wire: Wire, session: Session) -> None:
    wire.open(1, streamtype="data")
    stream = await accepted(session)
    wire.sent.clear()
    wire.data(1, b"he")
    wire.data(1, b"llo", flags=1)
    got = b""
    while part := await stream.receive():
        got += part
    assert got == b"hello"
    await stream.send(b"bye")
    stream.close()
    assert bytes(wire.sent) == struct.pack(">II", 1, 3) + b"bye" + struct.pack(">II", 1, 1 << 24)


async def test_a_reset_stream_ends_and_says_no_more(wire: Wire, session: Session) -> None:
    wire.open(1, streamtype="data")
    stream = await accepted(session)
    wire.control(3, struct.pack(">II", 1, 5))
    assert await stream.receive() == b""
    wire.sent.clear()
    await stream.send(b"late")
    stream.close()
    assert wire.sent == b""


async def test_pings_come_back(wire: Wire, session: Session) -> None:
    wire.control(6, struct.pack(">I", 7))
    wire.open(1)
    await accepted(session)
    assert bytes(wire.sent[:12]) == b"\x80\x03\x00\x06" + struct.pack(">II", 4, 7)


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\n\r\n" * 4, b"\x80\x02\x00\x01\x00\x00\x00\x00", b"\x80\x03\x00\x01\x00\x00\x00\x02ab"]
)
async def test_what_is_no_spdy_ends_the_session(noise: bytes) -> None:
    wire = Wire()
    session = Session(wire)
    wire.coming.put_nowait(noise)
    wire.coming.put_nowait(b"")
    await asyncio.wait_for(session.run(), 5)
    assert await session.accept() is None


async def test_a_stream_that_nobody_reads_holds_up_the_connection(wire: Wire, session: Session) -> None:
    wire.open(1)
    stream = await accepted(session)
    for _ in range(5):
        wire.data(1, b"x" * (1 << 19))
    while wire.coming.qsize() > 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert wire.coming.qsize() == 2
    assert len(await stream.receive()) == 3 << 19
