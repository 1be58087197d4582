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

    async def advance(self, seconds: float) -> None:
        """Move `seconds` ahead, firing timers in order; between them tasks run until none has anything to do."""
        until = self._now + seconds
        await quiet()
        while (due := self.next_timer()) is not None and due <= until:
            self._now = max(self._now, due)
            heapq.heappop(self._timers)[2].callback()
            await quiet()
        self._now = until


async def quiet(turns: int = 2000) -> None:
    """Let the other tasks of the loop run until none of them is ready, at most so many turns of the loop."""
    ready = getattr(asyncio.get_running_loop(), "_ready", None)
    still = 0
    for _ in range(turns):
        await asyncio.sleep(0)
        still = still + 1 if ready is not None and not ready else 0
        if still >= 3:
            return


def rfc3339(seconds: float) -> str:
    """`2006-01-02T15:04:05Z`: metav1.Time."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(seconds: float) -> str:
    """`2006-01-02T15:04:05.000000Z`: metav1.MicroTime."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str | None) -> float:
    """Unix seconds of a wire time; 0.0 for an absent one. Raises ValueError for another text."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0
