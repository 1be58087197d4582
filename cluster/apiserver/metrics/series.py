"""The one kind of value that is more than a number: a histogram."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """`bounds` are upper bounds in rising order, without infinity; `counts` has one more than those."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self.counts)


def together(*parts: Histogram) -> Histogram:
    """All observations of `parts`, in the bounds of the last one; bounds of the others must include those."""
    bounds = parts[-1].bounds
    out = Histogram(bounds)
    for part in parts:
        out.sum += part.sum
        for bound, count in zip((*part.bounds, float("inf")), part.counts, strict=True):
            out.counts[bisect_left(bounds, bound)] += count
    return out
