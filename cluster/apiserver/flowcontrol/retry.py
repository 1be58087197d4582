"""When a refused client shall come again: later, the more are refused."""

from __future__ import annotations

from collections import deque

LONGEST = 32


class RetryAfter:
    """Of one level. Doubles when refusals go on (three a second), falls by one when they cease."""

    __slots__ = ("_changed", "_count", "_history", "_second", "seconds")

    def __init__(self) -> None:
        self.seconds = 1
        self._second = self._count = self._changed = 0
        self._history: deque[tuple[int, int]] = deque()

    def refused(self, now: float) -> int:
        """One more was; the seconds to tell it."""
        second = int(now)
        if second == self._second:
            self._count += 1
            return self.seconds
        self._history.append((self._second, self._count))
        while self._history and self._second - self._history[0][0] > min(2 * self.seconds, LONGEST):
            self._history.popleft()
        self._second, self._count = second, 1
        self._adjust(second)
        return self.seconds

    def _adjust(self, second: int) -> None:
        lately = sum(count for at, count in self._history if second - at <= self.seconds)
        if second - self._changed >= self.seconds and lately >= 3 * self.seconds:
            self.seconds, self._changed = min(self.seconds * 2, LONGEST), second
        elif lately < self.seconds and self.seconds > 1:
            self.seconds -= 1
