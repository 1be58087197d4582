"""Handing committed changes to those who watch. Knows events and prefixes; nothing of how they came to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from cluster.storage.interface import Event


class Watcher:
    """One consumer: changes wait here until it asks for them."""

    __slots__ = ("_closed", "_waiter", "_waiting", "prefix")

    def __init__(self, prefix: str, backlog: list[Event]) -> None:
        self.prefix = prefix
        self._waiting = backlog
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def offer(self, events: list[Event]) -> None:
        wanted = [e for e in events if e.record.key.startswith(self.prefix)]
        if wanted:
            self._waiting.extend(wanted)
            self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    async def next(self) -> list[Event]:
        """The next changes; empty once closed and drained."""
        while not self._waiting and not self._closed:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        taken, self._waiting = self._waiting, []
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Watchers:
    """All consumers of a store."""

    def __init__(self) -> None:
        self._open: set[Watcher] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    def publish(self, events: list[Event]) -> None:
        for watcher in self._open:
            watcher.offer(events)

    async def stream(self, prefix: str, backlog: list[Event]) -> AsyncIterator[list[Event]]:
        watcher = Watcher(prefix, backlog)
        if self._closed:
            watcher.close()
        self._open.add(watcher)
        try:
            while events := await watcher.next():
                yield events
        finally:
            self._open.discard(watcher)

    def close(self) -> None:
        self._closed = True
        for watcher in self._open:
            watcher.close()
