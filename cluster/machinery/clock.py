"""Time as it is handed to components, and the two texts of time on the wire.

Nothing below the command line asks the operating system for the time by itself: a component is given a Clock, and
tests give a VirtualClock, which stands still until it is told to advance.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """`now` is Unix seconds; `call_later` runs a plain function on the event loop after `delay` seconds."""

    def now(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer: ...

    async def sleep(self, seconds: float) -> None: ...


class RealClock:
    """The operating system's clock and the running event loop's timers."""

    __slots__ = ()

    def now(self) -> float:
        return time.time()

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        return asyncio.get_running_loop().call_later(max(delay, 0.0), callback)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _VirtualTimer:
    __slots__ = ("callback", "cancelled")

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualClock:
    """A clock that moves only by `advance`, firing timers in order and letting tasks run between them."""

    def __init__(self, start: float = 1_000_000_000.0) -> None:
        self._now = start
        self._sequence = count()
        self._timers: list[tuple[float, int, _VirtualTimer]] = []

    def now(self) -> float:
        return self._now

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        timer = _VirtualTimer(callback)
        heapq.heappush(self._timers, (self._now + max(delay, 0.0), next(self._sequence), timer))
        return timer

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        timer = self.call_later(seconds, wake)
        try:
            await woken
        finally:
            timer.cancel()

    def next_timer(self) -> float | None:
        """When the earliest pending timer fires (Unix seconds), or None."""
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    async def advance(self, seconds: float, settle: int = 200) -> None:
        """Move `seconds` ahead; `settle` is how many turns of the event loop tasks get around each timer."""
        until = self._now + seconds
        await _turns(settle)
        while (due := self.next_timer()) is not None and due <= until:
            self._now = max(self._now, due)
            heapq.heappop(self._timers)[2].callback()
            await _turns(settle)
        self._now = until


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def rfc3339(seconds: float) -> str:
    """`2006-01-02T15:04:05Z`: metav1.Time."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(seconds: float) -> str:
    """`2006-01-02T15:04:05.000000Z`: metav1.MicroTime."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str | None) -> float:
    """Unix seconds of a wire time; 0.0 for an absent one. Raises ValueError for another text."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0
