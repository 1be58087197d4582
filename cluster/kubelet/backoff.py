"""How long something that failed waits before it is tried again: 10 s, doubling to 5 min, forgotten after ten quiet
minutes. The first retry is immediate, as the kubelet's is. Pure but for its memory; the time is handed in."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class _Entry:
    delay: float
    updated: float


class Backoff:
    """Seconds; `first` and `longest` are the first and the longest delay."""

    def __init__(self, first: float = 10.0, longest: float = 300.0) -> None:
        self._first, self._longest = first, longest
        self._entries: dict[Hashable, _Entry] = {}

    def left(self, key: Hashable, failed_at: float, now: float) -> float:
        """Seconds to wait for the retry of what failed at that time; 0 when it may be tried."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, failed_at):
            return 0.0
        return max(0.0, failed_at + entry.delay - now)

    def delay(self, key: Hashable) -> float:
        entry = self._entries.get(key)
        return entry.delay if entry is not None else 0.0

    def tried(self, key: Hashable, now: float) -> None:
        """It is tried once more; if that fails too, the wait is longer."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, now):
            self._entries[key] = _Entry(self._first, now)
        else:
            entry.delay, entry.updated = min(entry.delay * 2, self._longest), now

    def _expired(self, entry: _Entry, when: float) -> bool:
        return when - entry.updated > 2 * self._longest

    def forget(self, key: Hashable) -> None:
        self._entries.pop(key, None)
