"""How many seats a level could have used over a time: what borrowing is decided by."""

from __future__ import annotations

import math
from dataclasses import dataclass

SMOOTHING = 0.977
"""How much of the smoothed demand survives an adjustment: half of it in about five minutes."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Over `seconds`: the time-weighted average and standard deviation, and the highest value."""

    seconds: float
    average: float
    deviation: float
    highest: float


class Integrator:
    """Follows a value through time. `now` in seconds must not go back."""

    __slots__ = ("_highest", "_since", "_squares", "_started", "_sum", "value")

    def __init__(self, now: float) -> None:
        self.value = 0.0
        self._highest = 0.0
        self._since = self._started = now
        self._sum = self._squares = 0.0

    def set(self, value: float, now: float) -> None:
        passed, held = now - self._since, self.value
        self._sum += held * passed
        self._squares += held * held * passed
        self._since, self.value = now, value
        if value > self._highest:
            self._highest = value

    def take(self, now: float) -> Observed:
        """What was seen since the last taking; begins anew."""
        self.set(self.value, now)
        seconds = now - self._started
        average = self._sum / seconds if seconds > 0 else 0.0
        variance = self._squares / seconds - average * average if seconds > 0 else 0.0
        out = Observed(seconds, average, math.sqrt(max(variance, 0.0)), self._highest)
        self._sum = self._squares = 0.0
        self._started, self._highest = now, self.value
        return out


class Demand:
    """A level's demand as of the last adjustment."""

    __slots__ = ("average", "deviation", "highest", "smoothed")

    def __init__(self) -> None:
        self.average = self.deviation = self.smoothed = 0.0
        self.highest = 0

    def learn(self, seen: Observed) -> None:
        self.highest = round(seen.highest)
        if seen.seconds <= 0:
            return
        self.average, self.deviation = seen.average, seen.deviation
        envelope = seen.average + seen.deviation
        self.smoothed = max(envelope, SMOOTHING * self.smoothed + (1 - SMOOTHING) * envelope)
