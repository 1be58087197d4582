"""Dates: formatting and parsing by Go layouts, zones, durations. The clock is read only by `now` and its like."""

from __future__ import annotations

import re
import time
from typing import Any

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.formats.golayout import TimeError, parse_time
from pyhelm.formats.gotime import (
    LOCAL,
    SECOND,
    UTC,
    DurationError,
    GoDuration,
    GoTime,
    find_zone,
    parse_duration,
)

__all__ = [
    "ago", "date", "date_in_zone", "date_modify", "duration", "duration_round", "html_date", "html_date_in_zone",
    "must_date_modify", "must_to_date", "now", "to_date", "unix_epoch",
]  # fmt: skip

_started = time.monotonic_ns()


def now() -> GoTime:
    """The present, in the local zone."""
    elapsed = time.monotonic_ns() - _started
    return GoTime(time.time_ns(), LOCAL, f" m=+{elapsed / SECOND:.9f}")


def _moment(value: Any) -> GoTime:
    """A time, or seconds since 1970; everything else is the present."""
    if isinstance(value, GoTime):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return GoTime(int(value) * SECOND, LOCAL)
    return now()


def date_in_zone(layout: str, value: Any, zone: str) -> str:
    """By a Go layout in a zone; an unknown zone is UTC."""
    return _moment(value).within(find_zone(zone) or UTC).format(layout)


def date(layout: str, value: Any) -> str:
    """By a Go layout in the local zone."""
    return date_in_zone(layout, value, "Local")


def html_date(value: Any) -> str:
    """As HTML's date inputs want it."""
    return date_in_zone("2006-01-02", value, "Local")


def html_date_in_zone(value: Any, zone: str) -> str:
    """The same in a zone."""
    return date_in_zone("2006-01-02", value, zone)


def date_modify(change: str, moment: GoTime) -> GoTime:
    """Later by a duration; a bad duration changes nothing."""
    try:
        return moment.plus(parse_duration(change))
    except DurationError:
        return moment


def must_date_modify(change: str, moment: GoTime) -> GoTime:
    """Later by a duration."""
    try:
        return moment.plus(parse_duration(change))
    except DurationError as error:
        raise GoCallError(str(error)) from None


def ago(value: Any) -> str:
    """How long ago, to the second."""
    moment = now() if isinstance(value, bool) else _moment(value)
    return str(GoDuration(time.time_ns() - moment.nanoseconds).rounded(SECOND).go_string())


def duration(value: Any) -> str:
    """Seconds as `1h2m3s`; text and int64 count, all else is zero."""
    seconds = 0
    if isinstance(value, str):
        seconds = _parse_int(value)
    elif type(value) is int:
        seconds = value
    return str(GoDuration(seconds * SECOND).go_string())


def _parse_int(text: str) -> int:
    """strconv.ParseInt, whose result at a range error is the bound."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return 0
    return min(max(int(text), -(1 << 63)), (1 << 63) - 1)


_STEPS = (("y", 365 * 24 * 3600), ("mo", 30 * 24 * 3600), ("d", 24 * 3600), ("h", 3600), ("m", 60), ("s", 1))


def duration_round(value: Any) -> str:
    """A duration in its greatest unit: `3mo`, `2h`."""
    amount = abs(_duration_of(value))
    for unit, seconds in _STEPS:
        if amount > seconds * SECOND:
            return f"{amount // (seconds * SECOND)}{unit}"
    return "0s"


def _duration_of(value: Any) -> int:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except DurationError:
            return 0
    if type(value) is int:
        return value
    return time.time_ns() - value.nanoseconds if isinstance(value, GoTime) else 0


def to_date(layout: str, text: str) -> GoTime:
    """The time a text spells; the zero time when it does not fit."""
    try:
        return parse_time(layout, text, LOCAL)
    except TimeError:
        return GoTime.zero()


def must_to_date(layout: str, text: str) -> GoTime:
    """The time a text spells."""
    try:
        return parse_time(layout, text, LOCAL)
    except TimeError as error:
        raise GoCallError(str(error)) from None


def unix_epoch(moment: GoTime) -> str:
    """Seconds since 1970."""
    return str(moment.seconds)
