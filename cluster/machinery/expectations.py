"""What a controller has asked for but not yet seen, so that it does not ask again on an old picture.

A ReplicaSet that created three pods must not count its pods again before its informer has shown all three. Names
and uids are expected, not numbers: one event satisfies one expectation however often it is told. An expectation
that is never met is given up after five minutes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from cluster.machinery.clock import Clock

_GIVEN_UP_AFTER = 300.0


class Expectations:
    """By controller key: how many creations, and which deletions (by uid), are still to be seen."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._creations: dict[Hashable, int] = {}
        self._deletions: dict[Hashable, set[str]] = {}
        self._since: dict[Hashable, float] = {}

    def satisfied(self, key: Hashable) -> bool:
        if self._creations.get(key, 0) <= 0 and not self._deletions.get(key):
            return True
        return self._clock.now() - self._since.get(key, 0.0) > _GIVEN_UP_AFTER

    def expect(self, key: Hashable, creations: int = 0, deletions: Iterable[str] = ()) -> None:
        """Replaces what was expected for the key before."""
        self._creations[key] = creations
        self._deletions[key] = set(deletions)
        self._since[key] = self._clock.now()

    def created(self, key: Hashable, number: int = 1) -> None:
        """Creations seen, or known to have failed."""
        if key in self._creations:
            self._creations[key] -= number

    def deleted(self, key: Hashable, uid: str) -> None:
        """A deletion seen (also as a deletionTimestamp), or known to have failed."""
        self._deletions.get(key, set()).discard(uid)

    def forget(self, key: Hashable) -> None:
        self._creations.pop(key, None)
        self._deletions.pop(key, None)
        self._since.pop(key, None)
