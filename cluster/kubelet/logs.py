"""Reading container logs: tail, since, follow over rotation, with the limits that PodLogOptions knows.

Reads the files alone; whoever writes them is not asked, so a slow reader slows nobody.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.kubelet.runtimes.crilog import rotated

_POLL = 0.05
_BLOCK = 64 * 1024
_LAST_LINES, _LAST_BYTES = 80, 2048


@dataclass(frozen=True, slots=True)
class Wanted:
    """`since` is RFC3339Nano in UTC or empty; None means without limit."""

    timestamps: bool = False
    since: str = ""
    tail: int | None = None
    limit: int | None = None
    stream: str = "All"


def last_words(path: Path) -> str:
    """The end of a log, as a termination message: at most 80 lines and 2 KiB."""
    lines = [text for _, _, text in _tail(path, _LAST_LINES)]
    return b"".join(lines)[-_LAST_BYTES:].decode("utf-8", "replace")


async def read(path: Path, wanted: Wanted, going: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Chunks of log text. While `going()` says that more may come, waits for it at the end."""
    left = wanted.limit if wanted.limit is not None else -1
    async for block in _blocks(path, wanted, going):
        if left >= 0:
            block = block[:left]
            left -= len(block)
        if block:
            yield block
        if left == 0:
            return


async def _blocks(path: Path, wanted: Wanted, going: Callable[[], bool]) -> AsyncIterator[bytes]:
    # What comes after this place belongs to the follower: nothing is lost or shown twice.
    end = _size_now(path)
    follower = _Follower(path, skip=end)
    try:
        first = [*_before(path, wanted, end)]
        if first:
            yield b"".join(_shown(e, wanted) for e in first)
        while True:
            more = going()
            block = b"".join(_shown(e, wanted) for e in follower.fresh() if _fits(e, wanted))
            if block:
                yield block
            elif not more:
                return
            else:
                await asyncio.sleep(_POLL)
    finally:
        follower.close()


Entry = tuple[bytes, bytes, bytes]
"""(time, stream, text with its line end)."""


def _size_now(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _before(path: Path, wanted: Wanted, end: int) -> Iterator[Entry]:
    """What was in the files when the last one was `end` bytes long."""
    if wanted.tail is not None:
        yield from (e for e in _tail(path, wanted.tail, wanted.stream, end) if _fits(e, wanted))
        return
    for file in [*rotated(path), path]:
        place = 0
        try:
            with file.open("rb") as lines:
                for line in lines:
                    place += len(line)
                    if file == path and place > end:
                        return
                    if (entry := _entry(line)) is not None and _fits(entry, wanted):
                        yield entry
        except OSError:
            continue


def _tail(path: Path, number: int, stream: str = "All", end: int | None = None) -> list[Entry]:
    """The last `number` lines (of the first `end` bytes of the last file), reading backwards."""
    found: list[Entry] = []
    if number <= 0:
        return found
    for file in [path, *reversed(rotated(path))]:
        for line in _backwards(file, end if file == path else None):
            entry = _entry(line)
            if entry is None or (stream != "All" and entry[1].decode() != stream.lower()):
                continue
            found.append(entry)
            # One more than wanted, since the parts of a long line count as one.
            if sum(e[2].endswith(b"\n") for e in found) > number:
                break
        if sum(e[2].endswith(b"\n") for e in found) > number:
            break
    found.reverse()
    return _last_lines(found, number)


def _last_lines(entries: list[Entry], number: int) -> list[Entry]:
    """Cut whole lines off the front until `number` are left; an unfinished last line counts."""
    starts = [i for i in range(len(entries)) if i == 0 or entries[i - 1][2].endswith(b"\n")]
    return entries[starts[-number] :] if len(starts) > number else entries


def _backwards(path: Path, end: int | None) -> Iterator[bytes]:
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        place = file.seek(0, os.SEEK_END) if end is None else end
        rest = b""
        while place > 0:
            step = min(_BLOCK, place)
            place -= step
            file.seek(place)
            lines = (file.read(step) + rest).split(b"\n")
            rest = lines[0]
            for line in reversed(lines[1:]):
                if line:
                    yield line + b"\n"
        if rest:
            yield rest + b"\n"


def _entry(line: bytes) -> Entry | None:
    parts = line.split(b" ", 3)
    if len(parts) < 4 or not line.endswith(b"\n"):
        return None
    return parts[0], parts[1], parts[3][:-1] if parts[2] == b"P" else parts[3]


def _fits(entry: Entry, wanted: Wanted) -> bool:
    if wanted.since and entry[0].decode() < wanted.since:
        return False
    return wanted.stream in ("All", "") or entry[1].decode() == wanted.stream.lower()


def _shown(entry: Entry, wanted: Wanted) -> bytes:
    return entry[0] + b" " + entry[2] if wanted.timestamps else entry[2]


class _Follower:
    """New whole lines of a file that grows and may be rotated away."""

    def __init__(self, path: Path, skip: int) -> None:
        self._path, self._rest = path, b""
        self._file = path.open("rb") if path.exists() else None
        if self._file is not None:
            self._file.seek(skip)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def fresh(self) -> list[Entry]:
        if self._file is None:
            if not self._path.exists():
                return []
            self._file = self._path.open("rb")
        data = self._file.read(1 << 20)
        if not data and self._replaced():
            self._file.close()
            self._file = self._path.open("rb")
            data = self._file.read(1 << 20)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [e for line in lines if (e := _entry(line + b"\n")) is not None]

    def _replaced(self) -> bool:
        assert self._file is not None
        try:
            return os.fstat(self._file.fileno()).st_ino != self._path.stat().st_ino
        except OSError:
            return False
