"""Answers that are good for a while: a bounded map whose entries end at a time of the clock."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Expiring(Generic[K, V]):
    """The oldest entry goes when there are more than `most`."""

    def __init__(self, clock: Clock, most: int = 8192) -> None:
        self._clock = clock
        self._most = most
        self._held: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        found = self._held.get(key)
        if found is None:
            return None
        if found[0] <= self._clock.now():
            del self._held[key]
            return None
        return found[1]

    def put(self, key: K, value: V, seconds: float) -> None:
        if seconds <= 0:
            return
        self._held.pop(key, None)
        self._held[key] = self._clock.now() + seconds, value
        if len(self._held) > self._most:
            del self._held[next(iter(self._held))]
