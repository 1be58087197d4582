"""What is counted of a flow schema in its level."""

from __future__ import annotations

from collections import Counter

from cluster.apiserver.metrics.series import Histogram

_SECONDS = (0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)
_LENGTHS = (0, 10, 25, 50, 100, 250, 500, 1000)
_SEATS = (1, 2, 4, 8, 16, 32, 64, 100)
CONCURRENCY, QUEUE_FULL, TIME_OUT = "concurrency-limit", "queue-full", "time-out"


class Counts:
    """`executing` and `waiting` are of this moment, the seats with them; the rest only grows."""

    __slots__ = (
        "dispatched", "executing", "execution", "lengths", "narrow", "refused", "rejected", "seats", "waited",
        "waiting", "waiting_seats", "wide",
    )  # fmt: skip

    def __init__(self) -> None:
        self.dispatched = self.executing = self.seats = self.waiting = self.waiting_seats = 0
        self.rejected: Counter[str] = Counter()
        self.waited, self.refused = Histogram(_SECONDS), Histogram(_SECONDS)
        """Seconds in the queue of those that ran, and of those that did not."""
        self.execution: dict[str, Histogram] = {}
        """Seconds, by type: regular or watch."""
        self.lengths, self.wide = Histogram(_LENGTHS), Histogram(_SEATS)
        self.narrow = 0
        """Requests of one seat, which most are; `wide` has the others."""

    def ran(self, type: str, seconds: float) -> None:
        held = self.execution.get(type)
        if held is None:
            held = self.execution[type] = Histogram(_SECONDS)
        held.observe(seconds)

    def widths(self) -> Histogram:
        """Seats of all requests."""
        out = Histogram(_SEATS)
        out.counts = list(self.wide.counts)
        out.counts[0] += self.narrow
        out.sum = self.wide.sum + self.narrow
        return out
