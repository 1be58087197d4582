"""Dividing a number of seats among levels: each gets the same fraction of what it aims for, within its bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_LEAST_TARGET = 0.001
_CLOSE = 1e-7


@dataclass(frozen=True, slots=True)
class Claim:
    """0 <= lower <= target, lower <= upper."""

    target: float
    lower: float
    upper: float


def allocate(total: int, claims: Sequence[Claim]) -> tuple[list[float], float]:
    """Shares that sum up to `total`, and the fraction of the targets that unbounded claims got.

    Raises ValueError when the bounds do not allow that sum.
    """
    low, high = sum(c.lower for c in claims), sum(c.upper for c in claims)
    if low - total > _CLOSE:
        raise ValueError(f"lower bounds sum to {low:g}, which is higher than the required sum of {total}")
    if total - high > _CLOSE:
        raise ValueError(f"upper bounds sum to {high:g}, which is lower than the required sum of {total}")
    targets = [max(c.target, _LEAST_TARGET) for c in claims]
    fraction = _fraction(total, claims, targets)
    return [max(c.lower, min(c.upper, fraction * t)) for c, t in zip(claims, targets, strict=True)], fraction


def _fraction(total: int, claims: Sequence[Claim], targets: Sequence[float]) -> float:
    """Where the sum, which grows piecewise linearly with the fraction, reaches `total`."""
    bounds = sorted({b / t for c, t in zip(claims, targets, strict=True) for b in (c.lower, c.upper)})
    if not bounds:
        return 0.0
    reached, so_far = bounds[0], sum(c.lower for c in claims)
    for bound in bounds[1:]:
        slope = sum(t for c, t in zip(claims, targets, strict=True) if c.lower / t <= reached and c.upper / t >= bound)
        gained = slope * (bound - reached)
        if slope and so_far + gained >= total:
            return reached + (total - so_far) / slope
        reached, so_far = bound, so_far + gained
    return reached
