"""Reading logs: tail, since, limits, following over rotation."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cluster.kubelet.logs import Wanted, last_words, read
from cluster.kubelet.runtimes.crilog import LogWriter


async def text(path: Path, **wanted: object) -> bytes:
    chunks = [chunk async for chunk in read(path, Wanted(**wanted), lambda: False)]  # type: ignore[arg-type]
    return b"".join(chunks)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    writer = LogWriter(tmp_path / "0.log", limit=300, keep=50)
    for number in range(20):
        writer.feed("stderr" if number % 2 else "stdout", b"line %d\n" % number)
    writer.feed("stdout", b"unfinished")
    writer.close()
    return tmp_path / "0.log"


async def test_everything_in_order_over_rotated_files(log: Path) -> None:
    assert await text(log) == b"".join(b"line %d\n" % n for n in range(20)) + b"unfinished"


@pytest.mark.parametrize(("tail", "first"), [(0, None), (1, None), (3, 18), (15, 6), (500, 0)])
async def test_tail_counts_lines(log: Path, tail: int, first: int | None) -> None:
    expected = b"" if first is None else b"".join(b"line %d\n" % n for n in range(first, 20))
    assert await text(log, tail=tail) == (expected + b"unfinished" if tail else b"")


async def test_one_stream_and_a_limit(log: Path) -> None:
    assert await text(log, stream="Stderr") == b"".join(b"line %d\n" % n for n in range(1, 20, 2))
    assert await text(log, limit=9) == b"line 0\nli"


async def test_timestamps_and_since(log: Path) -> None:
    lines = (await text(log, timestamps=True)).splitlines()
    stamp = lines[5].split(b" ")[0].decode()
    assert (await text(log, since=stamp)).startswith(b"line 5\n")


async def test_following_loses_nothing_over_rotation(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    writer = LogWriter(path, limit=2000, keep=50)
    going = True
    writer.feed("stdout", b"line 0\n")

    async def follow() -> bytes:
        return b"".join([chunk async for chunk in read(path, Wanted(), lambda: going)])

    following = asyncio.create_task(follow())
    for number in range(1, 60):
        writer.feed("stdout", b"line %d\n" % number)
        await asyncio.sleep(0.005)
    writer.close()
    going = False
    assert await following == b"".join(b"line %d\n" % n for n in range(60))


async def test_long_lines_come_back_whole(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "0.log")
    writer.feed("stdout", b"x" * 50_000 + b"\nend\n")
    writer.close()
    assert await text(tmp_path / "0.log") == b"x" * 50_000 + b"\nend\n"
    assert await text(tmp_path / "0.log", tail=2) == b"x" * 50_000 + b"\nend\n"
    assert last_words(tmp_path / "0.log").endswith("end\n")
