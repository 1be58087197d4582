"""Whether a cron schedule can be read, in the words of robfig/cron v3, whose parser the API uses.

Only the syntax is judged here; when a schedule falls due is the controller's to say.
"""

from __future__ import annotations

import re

from cluster.meta.decimals import whole

_FIELDS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    (0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_DESCRIPTORS = frozenset(("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"))
_UNITS = frozenset(("ns", "us", "µs", "μs", "ms", "s", "m", "h"))


class _Wrong(Exception):
    """Carries the complaint."""


def complaint(schedule: str) -> str:
    """What is wrong with the schedule; the empty string when nothing is."""
    try:
        if schedule.startswith("@"):
            _descriptor(schedule)
        else:
            parts = schedule.split()
            if len(parts) != len(_FIELDS):
                raise _Wrong(f"expected exactly 5 fields, found {len(parts)}: [{' '.join(parts)}]")
            for part, (low, high, words) in zip(parts, _FIELDS, strict=True):
                for expression in [piece for piece in part.split(",") if piece]:
                    _range(expression, low, high, words)
    except _Wrong as wrong:
        return str(wrong)
    return ""


def _descriptor(schedule: str) -> None:
    if schedule in _DESCRIPTORS:
        return
    if not schedule.startswith("@every "):
        raise _Wrong(f"unrecognized descriptor: {schedule}")
    fault = _duration(schedule.removeprefix("@every "))
    if fault:
        raise _Wrong(f"failed to parse duration {schedule}: {fault}")


def _duration(text: str) -> str:
    """What Go's time.ParseDuration says against a text."""
    body = text.lstrip("+-")
    if body == "0":
        return ""
    if not body:
        return f'time: invalid duration "{text}"'
    at = 0
    while at < len(body):
        number = re.compile(r"\d*\.?\d*").match(body, at)
        if number is None or not number.group().strip("."):
            return f'time: invalid duration "{text}"'
        at = number.end()
        unit = re.compile(r"[^\d.]*").match(body, at)
        name = unit.group() if unit else ""
        if not name:
            return f'time: missing unit in duration "{text}"'
        if name not in _UNITS:
            return f'time: unknown unit "{name}" in duration "{text}"'
        at += len(name)
    return ""


def _range(expression: str, low: int, high: int, words: tuple[str, ...]) -> None:
    """`*`, `n`, `n-m`, each with `/step`."""
    halves = expression.split("/")
    bounds = halves[0].split("-")
    if bounds[0] in ("*", "?"):
        start, end = low, high
    else:
        start = _number(bounds[0], words, low)
        if len(bounds) > 2:
            raise _Wrong(f"too many hyphens: {expression}")
        end = _number(bounds[1], words, low) if len(bounds) == 2 else start
    step = 1
    if len(halves) == 2:
        step = _integer(halves[1])
        if len(bounds) == 1 and bounds[0] not in ("*", "?"):
            end = high
    elif len(halves) > 2:
        raise _Wrong(f"too many slashes: {expression}")
    if start < low:
        raise _Wrong(f"beginning of range ({start}) below minimum ({low}): {expression}")
    if end > high:
        raise _Wrong(f"end of range ({end}) above maximum ({high}): {expression}")
    if start > end:
        raise _Wrong(f"beginning of range ({start}) beyond end of range ({end}): {expression}")
    if step == 0:
        raise _Wrong(f"step of range should be a positive number: {expression}")


def _number(text: str, words: tuple[str, ...], low: int) -> int:
    if text.lower() in words:
        return words.index(text.lower()) + low
    return _integer(text)


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise _Wrong(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    if whole(text) < 0:
        raise _Wrong(f"negative number ({text}) not allowed: {text}")
    return whole(text)
