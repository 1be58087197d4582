"""Pods that wait for a node: ready to be tried, backing off, or given up until something happens.

A pod that fits nowhere waits with the names of the plugins that refused it; an event that one of them cares about
moves it back. Each failed try makes its back-off longer (1 s, doubling, at most 10 s), but a pod that backs off is
taken early when nothing else waits. After five minutes it is tried again in any case.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from cluster.machinery.clock import Clock, Timer
from cluster.machinery.pods import priority
from cluster.meta.types import Obj

_FIRST, _LONGEST = 1.0, 10.0
_GIVEN_UP = 300.0


@dataclass(slots=True)
class Waiting:
    """A pod in the queue."""

    pod: Obj
    since: float
    attempts: int = 0
    refused_by: frozenset[str] = frozenset()
    errors: int = 0
    ready_at: float = 0.0
    timer: Timer | None = field(default=None, repr=False)

    @property
    def uid(self) -> str:
        return str(self.pod["metadata"]["uid"])


class SchedulingQueue:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order = count()
        self._active: list[tuple[int, float, int, str]] = []
        self._entries: dict[str, Waiting] = {}
        self._state: dict[str, str] = {}
        self._in_flight: dict[str, bool] = {}
        self._filled = asyncio.Event()

    def __contains__(self, uid: object) -> bool:
        return uid in self._entries

    @property
    def idle(self) -> bool:
        return not self._in_flight and "active" not in self._state.values()

    def get(self, uid: str) -> Waiting | None:
        return self._entries.get(uid)

    def gated(self, pod: Obj) -> None:
        """Known, but not to be tried while its scheduling gates stand."""
        uid = pod["metadata"]["uid"]
        self._entries.setdefault(uid, Waiting(pod, self._clock.now())).pod = pod
        self._state[uid] = "gated"

    def add(self, pod: Obj) -> None:
        """A new pod, or a gated one whose gates are gone."""
        uid = pod["metadata"]["uid"]
        entry = self._entries.get(uid)
        if entry is None:
            entry = self._entries[uid] = Waiting(pod, self._clock.now())
        entry.pod = pod
        self._activate(entry)

    def update(self, pod: Obj) -> None:
        entry = self._entries.get(pod["metadata"]["uid"])
        if entry is not None:
            entry.pod = pod

    def remove(self, uid: str) -> None:
        entry = self._entries.pop(uid, None)
        self._state.pop(uid, None)
        if entry is not None:
            self._stop(entry)

    @staticmethod
    def _stop(entry: Waiting) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None

    def _activate(self, entry: Waiting) -> None:
        if self._state.get(entry.uid) == "active" or entry.uid in self._in_flight:
            return
        self._stop(entry)
        self._state[entry.uid] = "active"
        heapq.heappush(self._active, (-priority(entry.pod), entry.since, next(self._order), entry.uid))
        self._filled.set()

    async def pop(self) -> Waiting:
        while True:
            entry = self._next()
            if entry is not None:
                entry.attempts += 1
                self._state[entry.uid] = "in flight"
                self._in_flight[entry.uid] = False
                return entry
            self._filled.clear()
            await self._filled.wait()

    def _next(self) -> Waiting | None:
        while self._active:
            uid = heapq.heappop(self._active)[3]
            if self._state.get(uid) == "active":
                return self._entries[uid]
        return self._early()

    def _early(self) -> Waiting | None:
        """One that backs off without having met an error, when nothing better is to be done."""
        backing = [e for e in self._entries.values() if self._state[e.uid] == "backoff" and not e.errors]
        if not backing:
            return None
        entry = min(backing, key=lambda e: e.ready_at)
        self._stop(entry)
        return entry

    def done(self, uid: str) -> None:
        """The pod found its node."""
        self._in_flight.pop(uid, None)
        self.remove(uid)

    def failed(self, entry: Waiting, refused_by: frozenset[str], *, error: bool = False) -> None:
        """The try found no node (`refused_by` plugins), or met an error and is to be repeated."""
        moved = self._in_flight.pop(entry.uid, False)
        if entry.uid not in self._entries:
            return
        entry.refused_by = refused_by
        entry.errors = entry.errors + 1 if error else 0
        if error or moved:
            self._back_off(entry)
        else:
            self._state[entry.uid] = "unschedulable"
            entry.timer = self._clock.call_later(_GIVEN_UP, lambda: self._back_off(entry))

    def _back_off(self, entry: Waiting) -> None:
        self._stop(entry)
        delay = min(_FIRST * 2.0 ** (max(entry.errors or entry.attempts, 1) - 1), _LONGEST)
        entry.ready_at = self._clock.now() + delay
        self._state[entry.uid] = "backoff"
        entry.timer = self._clock.call_later(delay, lambda: self._over(entry))
        self._filled.set()

    def _over(self, entry: Waiting) -> None:
        if self._state.get(entry.uid) == "backoff":
            self._activate(entry)

    def happened(self, helps: Callable[[Waiting], bool]) -> None:
        """Something happened: move the pods it may help; those being tried right now are noted."""
        for uid in self._in_flight:
            self._in_flight[uid] = True
        for entry in [*self._entries.values()]:
            if self._state.get(entry.uid) == "unschedulable" and helps(entry):
                self._back_off(entry)
