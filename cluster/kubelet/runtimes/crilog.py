"""Container logs in the CRI format: `<RFC3339Nano> stdout|stderr F|P <text>`, one file a container start.

The writer appends as output comes and never waits for a reader; readers follow the files by themselves. A file that
has grown past `limit` is renamed with a time suffix and a new one begins; `keep` files stay in all.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_CHUNK = 16 * 1024
_LIMIT = 10 << 20
_KEEP = 5


def stamp(seconds_ns: int) -> str:
    """RFC3339Nano in UTC of nanoseconds since 1970."""
    seconds, rest = divmod(seconds_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"


class LogWriter:
    """One log file. `feed` takes raw output of a stream, `close` flushes what has no line end yet."""

    def __init__(self, path: Path, *, limit: int = _LIMIT, keep: int = _KEEP) -> None:
        self._path, self._limit, self._keep = path, limit, keep
        self._rest: dict[str, bytes] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size

    def feed(self, stream: str, data: bytes) -> None:
        head = f"{stamp(time.time_ns())} {stream} ".encode()
        *lines, rest = (self._rest.pop(stream, b"") + data).split(b"\n")
        out: list[bytes] = []
        for line in lines:
            _entries(out, head, line, b"F")
        while len(rest) >= _CHUNK:
            out.append(head + b"P " + rest[:_CHUNK] + b"\n")
            rest = rest[_CHUNK:]
        if rest:
            self._rest[stream] = rest
        if out:
            self._write(b"".join(out))

    def close(self) -> None:
        for stream, rest in self._rest.items():
            head = f"{stamp(time.time_ns())} {stream} ".encode()
            self._write(head + b"P " + rest + b"\n")
        self._rest.clear()
        self._file.close()

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError:
            # A full disk costs log lines, not the container.
            return
        self._size += len(data)
        if self._size >= self._limit:
            self._rotate()

    def _rotate(self) -> None:
        self._file.close()
        os.rename(self._path, f"{self._path}.{time.time_ns()}")
        for old in rotated(self._path)[: -(self._keep - 1)]:
            old.unlink(missing_ok=True)
        self._file = self._path.open("ab", buffering=0)
        self._size = 0


def _entries(out: list[bytes], head: bytes, line: bytes, tag: bytes) -> None:
    while len(line) > _CHUNK:
        out.append(head + b"P " + line[:_CHUNK] + b"\n")
        line = line[_CHUNK:]
    out.append(head + tag + b" " + line + b"\n")


def rotated(path: Path) -> list[Path]:
    """Earlier files of a log, oldest first."""
    found = [p for p in path.parent.glob(f"{path.name}.*") if p.suffix[1:].isdigit()]
    return sorted(found, key=lambda p: int(p.suffix[1:]))
