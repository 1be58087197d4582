"""The back end that writes a file: a line an event, put aside at its size, forgotten by number and age.

A file put aside is called NAME-TIME.EXT, TIME as 2026-11-26T02-52-10.123, as in Kubernetes. A log that cannot be
written does not stop the server (but see `blocking-strict`); what was lost is counted.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.apiserver.audit.options import LogOptions, Mode
from cluster.apiserver.audit.record import line_of, text_of
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock, Timer

_log = logging.getLogger(__name__)
_TIME = "%Y-%m-%dT%H-%M-%S.%f"
_SOON = 0.05
"""Seconds after which a batch is written."""
_MOST_HELD = 10_000
"""Events of a batch; more are lost."""


class RotatingFile:
    """Lines appended to a file."""

    def __init__(self, options: LogOptions, clock: Clock) -> None:
        """Raises OSError."""
        self._options = options
        self._clock = clock
        self._open()

    def _open(self) -> None:
        path = self._options.path
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
        self._size = path.stat().st_size

    def write(self, data: bytes) -> None:
        """Raises OSError."""
        most = self._options.most_bytes
        if most and self._size and self._size + len(data) > most:
            self._rotate()
        self._file.write(data)
        self._file.flush()
        self._size += len(data)

    def close(self) -> None:
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        path = self._options.path
        when = datetime.fromtimestamp(self._clock.now(), UTC)
        while (aside := path.with_name(f"{path.stem}-{when.strftime(_TIME)[:-3]}{path.suffix}")).exists():
            when += timedelta(milliseconds=1)
        path.replace(aside)
        if self._options.compress:
            _compress(aside)
        self._forget()
        self._open()

    def backups(self) -> list[Path]:
        """Files put aside, the oldest first."""
        path = self._options.path
        found = (*path.parent.glob(f"{path.stem}-*{path.suffix}"), *path.parent.glob(f"{path.stem}-*{path.suffix}.gz"))
        return sorted(one for one in found if _when(one, path) is not None)

    def _forget(self) -> None:
        held, most = self.backups(), self._options.most_backups
        old = held[:-most] if most else []
        if self._options.most_days:
            oldest = datetime.fromtimestamp(self._clock.now(), UTC) - timedelta(days=self._options.most_days)
            old += [one for one in held if (_when(one, self._options.path) or oldest) < oldest]
        for one in set(old):
            one.unlink(missing_ok=True)


def _when(backup: Path, path: Path) -> datetime | None:
    """The time in a name; None when it is another file's."""
    name = backup.name.removesuffix(".gz").removesuffix(path.suffix).removeprefix(f"{path.stem}-")
    try:
        return datetime.strptime(f"{name}000", _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def _compress(path: Path) -> None:
    import gzip
    import shutil

    with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    path.unlink()


class Log:
    """See trail.Backend."""

    def __init__(self, options: LogOptions, clock: Clock) -> None:
        """Raises OSError."""
        self._file = RotatingFile(options, clock)
        self._clock = clock
        self._format = text_of if options.legacy else line_of
        self._batching = options.mode is Mode.BATCH
        self.strict = options.mode is Mode.BLOCKING_STRICT
        self.lost = 0
        self._held: list[Obj] = []
        self._timer: Timer | None = None

    def take(self, event: Obj) -> bool:
        if not self._batching:
            return self._write([event])
        if len(self._held) >= _MOST_HELD:
            self.lost += 1
            return False
        self._held.append(event)
        if self._timer is None:
            self._timer = self._clock.call_later(_SOON, self._flush)
        return True

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._timer = None
        held, self._held = self._held, []
        if held:
            self._write(held)

    def _write(self, events: list[Obj]) -> bool:
        try:
            self._file.write(b"".join(self._format(event) + b"\n" for event in events))
        except (OSError, ValueError):
            if not self.lost:
                _log.exception("the audit log cannot be written")
            self.lost += len(events)
            return False
        return True
