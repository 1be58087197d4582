"""Cron schedules: five fields, names, steps, @macros; and the times they mean. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_MONTHS = dict(
    zip(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), range(1, 13), strict=True)
)
_DAYS = {n: i for i, n in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = re.compile(r"@every (?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$")
_FAR = timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Allowed values of each field; `every` seconds instead for @every."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = True
    """The day of month or of week is a star: both must hold; otherwise either does."""
    zone: tzinfo = UTC
    every: int = 0

    def after(self, seconds: float) -> float | None:
        """The first time (Unix seconds) later than `seconds`; None when there is none within five years."""
        if self.every:
            return float(int(seconds) + self.every)
        start = datetime.fromtimestamp(int(seconds) // 60 * 60, UTC) + timedelta(minutes=1)
        local = start.astimezone(self.zone)
        limit = local + _FAR
        while local < limit:
            skip = self._skip(local)
            if skip is None:
                return local.timestamp()
            local = skip
        return None

    def _skip(self, t: datetime) -> datetime | None:
        """Where to go on looking, when `t` is not a time of the schedule."""
        if t.month not in self.months:
            return (t.replace(day=1, hour=0, minute=0) + timedelta(days=32)).replace(day=1)
        if not self._day(t):
            return t.replace(hour=0, minute=0) + timedelta(days=1)
        if t.hour not in self.hours:
            return (t.astimezone(UTC) + timedelta(minutes=60 - t.minute)).astimezone(self.zone)
        if t.minute not in self.minutes:
            return (t.astimezone(UTC) + timedelta(minutes=1)).astimezone(self.zone)
        return None

    def _day(self, t: datetime) -> bool:
        of_month, of_week = t.day in self.days, t.isoweekday() % 7 in self.weekdays
        return (of_month and of_week) if self.any_day else (of_month or of_week)


@lru_cache(maxsize=256)
def parse(text: str, zone: str = "") -> Schedule:
    """Raises ValueError for what is no schedule or no time zone."""
    if text.startswith(("TZ=", "CRON_TZ=")):
        head, _, text = text.partition(" ")
        zone = head.partition("=")[2]
    where: tzinfo = _zone(zone) if zone else UTC
    every = _EVERY.match(text)
    if every is not None:
        hours, minutes, seconds = (int(part or 0) for part in every.groups())
        return Schedule(every=max(hours * 3600 + minutes * 60 + seconds, 1))
    fields = _MACROS.get(text, text).split()
    if len(fields) != 5:
        raise ValueError(f"expected exactly 5 fields, found {len(fields)}: [{text}]")
    return Schedule(
        _field(fields[0], 0, 59),
        _field(fields[1], 0, 23),
        _field(fields[2], 1, 31),
        _field(fields[3], 1, 12, _MONTHS),
        _field(fields[4], 0, 6, _DAYS),
        any(field[0] in "*?" for field in (fields[2], fields[4])),
        where,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, KeyError) as error:
        raise ValueError(f"unknown time zone {name}") from error


def _field(text: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    out: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if span in {"*", "?"}:
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, names)
            last = _number(end, names) if dash else (high if slash else first)
        if not low <= first <= last <= high:
            raise ValueError(f"value out of range: {part}")
        out.update(range(first, last + 1, int(step) if slash else 1))
    return frozenset(out)


def _number(text: str, names: dict[str, int] | None) -> int:
    return (names or {}).get(text.lower(), -1) if not text.isdigit() else int(text)
