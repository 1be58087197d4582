"""The queue between what happened and who deals with it.

A key waits at most once; a key added while it is being worked on waits again until `done`, so that no key is ever
worked on by two at a time and no change is lost (client-go's workqueue). Failures come back after a delay that
doubles; additions with a delay keep the earliest time asked for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from cluster.machinery.clock import Clock, Timer

K = TypeVar("K", bound=Hashable)


class Shutdown(Exception):
    """The queue has been shut down and is empty."""


class WorkQueue(Generic[K]):
    """`base` and `cap` are the first and the longest delay after failures, in seconds."""

    def __init__(self, clock: Clock, *, base: float = 0.005, cap: float = 1000.0) -> None:
        self._clock, self._base, self._cap = clock, base, cap
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()
        self._working: set[K] = set()
        self._failures: dict[K, int] = {}
        self._delayed: dict[K, tuple[float, Timer]] = {}
        self._getters: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is being worked on (delayed keys do not count)."""
        return not self._ready and not self._working

    def add(self, key: K) -> None:
        if self._closed or key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._working:
            self._push(key)

    def _push(self, key: K) -> None:
        self._ready.append(key)
        self._wake_one()

    def _wake_one(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return

    def add_after(self, key: K, delay: float) -> None:
        """Add once `delay` seconds have passed, or when an earlier such call says."""
        if self._closed:
            return
        if delay <= 0:
            self.add(key)
            return
        when = self._clock.now() + delay
        pending = self._delayed.get(key)
        if pending is not None:
            if pending[0] <= when:
                return
            pending[1].cancel()
        self._delayed[key] = (when, self._clock.call_later(delay, lambda: self._due(key)))

    def _due(self, key: K) -> None:
        self._delayed.pop(key, None)
        self.add(key)

    def add_rate_limited(self, key: K) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(self._base * 2.0 ** min(failures, 60), self._cap))

    def forget(self, key: K) -> None:
        """The key succeeded: its next failure starts from the shortest delay again."""
        self._failures.pop(key, None)

    def failures(self, key: K) -> int:
        return self._failures.get(key, 0)

    async def get(self) -> K:
        """The next key; call `done` when finished with it. Raises Shutdown."""
        while not self._ready:
            if self._closed:
                raise Shutdown
            getter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and self._ready:
                    self._wake_one()
                raise
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        self._working.discard(key)
        if key in self._dirty:
            self._push(key)

    def shut_down(self) -> None:
        """No key is taken any more; waiting ones are still handed out, then get() raises Shutdown."""
        self._closed = True
        for _, timer in self._delayed.values():
            timer.cancel()
        self._delayed.clear()
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
