"""Numbers in what clients send. Python reads a text of digits in time that grows with its square and refuses more than
4,300 of them with an error of its own; whatever asks here has a bound of 64 bits or less, so digits beyond that do not
matter. Knows nothing of what the numbers mean.
"""

from __future__ import annotations

_MOST = 40
_FRACTION = 18


def whole(text: str) -> int:
    """The number of ASCII digits with an optional sign; of one too long for any bound, as many nines as are kept.
    Raises ValueError for other texts."""
    digits = text.lstrip("+-").lstrip("0") or "0"
    number = int(digits) if len(digits) <= _MOST else NINES
    return -number if text.startswith("-") else number


NINES: int = 10**_MOST - 1


def is_digits(text: str) -> bool:
    """Whether it is one ASCII digit or more; Python's own question takes superscripts for digits."""
    return text.isascii() and text.isdigit()


def fraction(digits: str) -> tuple[int, int]:
    """The digits after a point, as a number and what it is divided by; those after the 18th are dropped."""
    kept = digits[:_FRACTION]
    return int(kept or "0"), 10 ** len(kept)
