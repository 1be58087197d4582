"""The order of map keys in go-yaml: digits compare as numbers, letters come after everything else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cmp_to_key, lru_cache

__all__ = ["compare_v3", "sorted_keys"]

_SIMPLE = re.compile(r"[A-Za-z./-]*\Z")


def sorted_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """The keys as yaml.v2 and yaml.v3 write them: a2 before a10, `_` before letters."""
    return _sorted(tuple(keys))


@lru_cache(maxsize=4096)
def _sorted(keys: tuple[str, ...]) -> tuple[str, ...]:
    if _SIMPLE.match("".join(keys)):
        return tuple(sorted(keys))
    return tuple(sorted(keys, key=cmp_to_key(_compare)))


def _compare(a: str, b: str) -> int:
    for place in range(min(len(a), len(b))):
        if a[place] != b[place]:
            return -1 if _less_at(a, b, place) else 1
    return len(a) - len(b)


def _less_at(a: str, b: str, place: int) -> bool:
    a_letter, b_letter = a[place].isalpha(), b[place].isalpha()
    if a_letter and b_letter:
        return a[place] < b[place]
    if a_letter or b_letter:
        return b_letter
    start = 0
    if a[place] == "0" or b[place] == "0":
        start = _significant_before(a, place)
    a_number, a_end = _number(a, place, start)
    b_number, b_end = _number(b, place, start)
    if a_number != b_number:
        return a_number < b_number
    if a_end != b_end:
        return a_end < b_end
    return a[place] < b[place]


def _significant_before(text: str, place: int) -> int:
    """1 when a digit other than zero stands in the run of digits before `place`: then a zero counts."""
    place -= 1
    while place >= 0 and text[place].isdecimal():
        if text[place] != "0":
            return 1
        place -= 1
    return 0


def _number(text: str, place: int, number: int) -> tuple[int, int]:
    while place < len(text) and text[place].isdecimal():
        number = number * 10 + ord(text[place]) - 48
        place += 1
    return number, place


def compare_v3(a: str, b: str) -> int:
    """go-yaml v3's order: the same, but after a digit a letter comes before everything else."""
    digits = False
    for place in range(min(len(a), len(b))):
        if a[place] == b[place]:
            digits = a[place].isdecimal()
            continue
        a_letter, b_letter = a[place].isalpha(), b[place].isalpha()
        if a_letter != b_letter and digits:
            return -1 if a_letter else 1
        return -1 if _less_at(a, b, place) else 1
    return len(a) - len(b)
