"""Go's time.Time and time.Duration: nanoseconds since 1970 with a zone, and plain nanoseconds.

Years may lie outside what Python's datetime knows; the calendar is computed here. Zones come from `zoneinfo`; the
local zone is the C library's.
"""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pyhelm.formats.gotypes import GoObject
from pyhelm.formats.quoting import quote

__all__ = [
    "DurationError", "GoDuration", "GoMonth", "GoTime", "GoWeekday", "Zone", "civil", "days_from_civil", "find_zone",
    "parse_duration",
]  # fmt: skip

SECOND = 1_000_000_000
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
ZERO_SECONDS = -62_135_596_800
"""The zero time, 0001-01-01 UTC, in seconds since 1970."""


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date of the proleptic Gregorian calendar."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01."""
    era, of_era = divmod(days + 719_468, 146_097)
    years = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * years + years // 4 - years // 100)
    month_index = (5 * of_year + 2) // 153
    day = of_year - (153 * month_index + 2) // 5 + 1
    month = month_index + 3 if month_index < 10 else month_index - 9
    return years + era * 400 + (month <= 2), month, day


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone: a fixed offset, a named zone, or the local one."""

    name: str
    offset: int = 0
    info: ZoneInfo | None = None
    local: bool = False

    def at(self, seconds: int) -> tuple[int, str]:
        """Offset in seconds and abbreviation at an instant."""
        if self.local:
            return _local_at(seconds)
        if self.info is None:
            return self.offset, self.name
        cycle = 146_097 * 86_400
        shift = 0
        while seconds + shift < -62_000_000_000:
            shift += cycle
        while seconds + shift > 250_000_000_000:
            shift -= cycle
        moment = datetime.datetime.fromtimestamp(seconds + shift, self.info)
        offset = moment.utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0, moment.tzname() or ""


def _local_at(seconds: int) -> tuple[int, str]:
    try:
        moment = time.localtime(seconds)
    except (OverflowError, OSError, ValueError):
        return 0, "UTC"
    return moment.tm_gmtoff, moment.tm_zone


UTC = Zone("UTC")
LOCAL = Zone("Local", local=True)


@lru_cache(maxsize=64)
def find_zone(name: str) -> Zone | None:
    """time.LoadLocation; None for an unknown name."""
    if name in ("", "UTC"):
        return UTC
    if name == "Local":
        return LOCAL
    if ".." in name or name[0] in "/\\" or "\\" in name:
        return None
    try:
        return Zone(name, info=ZoneInfo(name))
    except (OSError, ValueError, KeyError):
        return None


class GoMonth(GoObject):
    """time.Month."""

    go_type: ClassVar[str] = "time.Month"
    go_kind: ClassVar[str] = "int"
    names: ClassVar[tuple[str, ...]] = ("", *MONTHS)

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GoMonth) and self.number == other.number

    def __hash__(self) -> int:
        return hash(self.number)

    def __int__(self) -> int:
        return self.number

    def go_string(self) -> str | None:
        """Its English name."""
        return self.names[self.number]

    def go_json(self) -> Any:
        """Its number."""
        return self.number

    def go_methods(self) -> dict[str, Callable[..., Any]]:
        """String."""
        return {"String": lambda: self.names[self.number]}


class GoWeekday(GoMonth):
    """time.Weekday."""

    go_type: ClassVar[str] = "time.Weekday"
    names: ClassVar[tuple[str, ...]] = WEEKDAYS


class DurationError(ValueError):
    """No duration; the message is Go's."""


_UNITS = {
    "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND,
}  # fmt: skip
_NUMBER = re.compile(r"([0-9]*)(?:\.([0-9]*))?")
_UNIT = re.compile(r"[^0-9.]*")


def parse_duration(text: str) -> int:
    """time.ParseDuration: nanoseconds of `1h30m`, `-2.5s`, `0`. Raises DurationError."""
    shown = quote(text)
    sign, rest = (text[0], text[1:]) if text[:1] in ("-", "+") and text else ("", text)
    if rest == "0":
        return 0
    if not rest:
        raise DurationError(f"time: invalid duration {shown}")
    total = 0
    while rest:
        found = _NUMBER.match(rest)
        assert found is not None
        whole, fraction = found[1], found[2] or ""
        if not whole and not fraction:
            raise DurationError(f"time: invalid duration {shown}")
        rest = rest[found.end() :]
        unit_match = _UNIT.match(rest)
        unit = unit_match[0] if unit_match is not None else ""
        if not unit:
            raise DurationError(f"time: missing unit in duration {shown}")
        if unit not in _UNITS:
            raise DurationError(f"time: unknown unit {quote(unit)} in duration {shown}")
        rest = rest[len(unit) :]
        scale = _UNITS[unit]
        total += int(whole or 0) * scale + (int(fraction) * scale // 10 ** len(fraction) if fraction else 0)
        if total > (1 << 63):
            raise DurationError(f"time: invalid duration {shown}")
    if sign == "-":
        return -total
    if total > (1 << 63) - 1:
        raise DurationError(f"time: invalid duration {shown}")
    return total


def _trimmed(value: int, scale: int) -> str:
    whole, fraction = divmod(value, scale)
    digits = str(fraction).rjust(len(str(scale)) - 1, "0").rstrip("0") if scale > 1 else ""
    return f"{whole}.{digits}" if digits else str(whole)


class GoDuration(GoObject):
    """time.Duration."""

    go_type: ClassVar[str] = "time.Duration"
    go_kind: ClassVar[str] = "int64"

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = (nanoseconds + (1 << 63)) % (1 << 64) - (1 << 63)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GoDuration) and self.nanoseconds == other.nanoseconds

    def __lt__(self, other: GoDuration) -> bool:
        return self.nanoseconds < other.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    def __int__(self) -> int:
        return self.nanoseconds

    def __bool__(self) -> bool:
        return self.nanoseconds != 0

    def go_string(self) -> str | None:
        """`1h2m3.5s`."""
        value = abs(self.nanoseconds)
        sign = "-" if self.nanoseconds < 0 else ""
        if value == 0:
            return "0s"
        for unit, scale in (("ns", 1), ("µs", 1000), ("ms", 1_000_000)):
            if value < scale * 1000:
                return f"{sign}{_trimmed(value, scale)}{unit}"
        minutes, rest = divmod(value, 60 * SECOND)
        hours, minutes = divmod(minutes, 60)
        out = f"{_trimmed(rest, SECOND)}s"
        if hours or minutes:
            out = f"{minutes}m{out}"
        return f"{sign}{f'{hours}h' if hours else ''}{out}"

    def go_json(self) -> Any:
        """Its nanoseconds."""
        return self.nanoseconds

    def rounded(self, unit: int) -> GoDuration:
        """To a multiple of `unit`, halves away from zero."""
        if unit <= 0:
            return self
        value = (2 * abs(self.nanoseconds) + unit) // (2 * unit) * unit
        return GoDuration(value if self.nanoseconds >= 0 else -value)

    def go_methods(self) -> dict[str, Callable[..., Any]]:
        """What templates call on it."""
        value = self.nanoseconds
        return {
            "Hours": lambda: value / (3600 * SECOND),
            "Minutes": lambda: value / (60 * SECOND),
            "Seconds": lambda: value / SECOND,
            "Milliseconds": lambda: int(value / 1_000_000),
            "Microseconds": lambda: int(value / 1000),
            "Nanoseconds": lambda: value,
            "String": self.go_string,
            "Abs": lambda: GoDuration(abs(value)),
            "Round": lambda unit: self.rounded(int(unit)),
            "Truncate": lambda unit: GoDuration(value - int(value % int(unit)) if int(unit) > 0 else value),
        }


class GoTime(GoObject):
    """time.Time. `monotonic` is the text Go appends when the time came from the clock."""

    go_type: ClassVar[str] = "time.Time"

    def __init__(self, nanoseconds: int, zone: Zone = UTC, monotonic: str = "") -> None:
        self.nanoseconds = nanoseconds
        self.zone = zone
        self.monotonic = monotonic

    @classmethod
    def zero(cls) -> GoTime:
        """0001-01-01 00:00:00 UTC."""
        return cls(ZERO_SECONDS * SECOND)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GoTime) and self.nanoseconds == other.nanoseconds and self.zone == other.zone

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    @property
    def seconds(self) -> int:
        """Whole seconds since 1970."""
        return self.nanoseconds // SECOND

    def parts(self) -> tuple[int, int, int, int, int, int, int]:
        """Year, month, day, hour, minute, second, nanosecond in its zone."""
        seconds = self.seconds + self.zone.at(self.seconds)[0]
        days, rest = divmod(seconds, 86_400)
        year, month, day = civil(days)
        return year, month, day, rest // 3600, rest // 60 % 60, rest % 60, self.nanoseconds % SECOND

    def weekday(self) -> int:
        """0 for Sunday."""
        return ((self.seconds + self.zone.at(self.seconds)[0]) // 86_400 + 4) % 7

    def year_day(self) -> int:
        """1 for January 1."""
        days = (self.seconds + self.zone.at(self.seconds)[0]) // 86_400
        return days - days_from_civil(civil(days)[0], 1, 1) + 1

    def within(self, zone: Zone) -> GoTime:
        """The same instant in another zone."""
        return GoTime(self.nanoseconds, zone)

    def plus(self, nanoseconds: int) -> GoTime:
        """Later by so much."""
        return GoTime(self.nanoseconds + nanoseconds, self.zone)

    def go_string(self) -> str | None:
        """`2006-01-02 15:04:05.999999999 -0700 MST`."""
        return self.format("2006-01-02 15:04:05.999999999 -0700 MST") + self.monotonic

    def go_json(self) -> Any:
        """RFC 3339 with what nanoseconds there are."""
        return self.format("2006-01-02T15:04:05.999999999Z07:00")

    def format(self, layout: str) -> str:
        """By a layout of Go."""
        from pyhelm.formats.golayout import format_time

        return format_time(self, layout)

    def go_methods(self) -> dict[str, Callable[..., Any]]:
        """What templates call on it."""
        from pyhelm.formats.gotime_methods import methods_of

        return methods_of(self)
