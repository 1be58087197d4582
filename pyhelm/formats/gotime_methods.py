"""The methods of time.Time that a template may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyhelm.formats.gotypes import GoInt

if TYPE_CHECKING:
    from pyhelm.formats.gotime import GoTime

__all__ = ["methods_of"]


def _add_date(moment: GoTime, years: int, months: int, days: int) -> GoTime:
    from pyhelm.formats.gotime import SECOND, days_from_civil

    year, month, day, hour, minute, second, nanosecond = moment.parts()
    extra, index = divmod(month - 1 + int(months), 12)
    date = days_from_civil(year + int(years) + extra, index + 1, 1) + day - 1 + int(days)
    wall = date * 86_400 + hour * 3600 + minute * 60 + second
    offset = moment.zone.at(wall - moment.zone.at(wall)[0])[0]
    return type(moment)((wall - offset) * SECOND + nanosecond, moment.zone)


def _arithmetic(moment: GoTime) -> dict[str, Callable[..., Any]]:
    from pyhelm.formats.gotime import GoDuration

    return {
        "Add": lambda duration: moment.plus(int(duration)),
        "AddDate": lambda years, months, days: _add_date(moment, years, months, days),
        "Sub": lambda other: GoDuration(moment.nanoseconds - other.nanoseconds),
        "After": lambda other: moment.nanoseconds > other.nanoseconds,
        "Before": lambda other: moment.nanoseconds < other.nanoseconds,
        "Compare": lambda other: GoInt(
            (moment.nanoseconds > other.nanoseconds) - (moment.nanoseconds < other.nanoseconds)
        ),
        "Equal": lambda other: moment.nanoseconds == other.nanoseconds,
        "Truncate": lambda unit: _truncated(moment, int(unit)),
    }


def _truncated(moment: GoTime, unit: int) -> GoTime:
    return moment.plus(-((moment.nanoseconds - _zero()) % unit)) if unit > 0 else moment


def _zero() -> int:
    from pyhelm.formats.gotime import SECOND, ZERO_SECONDS

    return ZERO_SECONDS * SECOND


def methods_of(moment: GoTime) -> dict[str, Callable[..., Any]]:
    """Name -> bound callable."""
    from pyhelm.formats.gotime import LOCAL, UTC, GoMonth, GoWeekday

    parts = moment.parts()
    fields = ("Year", "Day", "Hour", "Minute", "Second", "Nanosecond")
    values = (parts[0], *parts[2:])
    out: dict[str, Callable[..., Any]] = {
        name: (lambda number=number: GoInt(number)) for name, number in zip(fields, values)
    }
    out.update(_arithmetic(moment))
    out.update(
        {
            "Month": lambda: GoMonth(parts[1]),
            "Weekday": lambda: GoWeekday(moment.weekday()),
            "YearDay": lambda: GoInt(moment.year_day()),
            "Unix": lambda: moment.seconds,
            "UnixMilli": lambda: moment.nanoseconds // 1_000_000,
            "UnixMicro": lambda: moment.nanoseconds // 1000,
            "UnixNano": lambda: moment.nanoseconds,
            "IsZero": lambda: moment.nanoseconds == _zero(),
            "UTC": lambda: moment.within(UTC),
            "Local": lambda: moment.within(LOCAL),
            "Format": moment.format,
            "String": moment.go_string,
            "Round": lambda unit: moment.plus(0) if int(unit) <= 0 else _rounded(moment, int(unit)),
        }
    )
    return out


def _rounded(moment: GoTime, unit: int) -> GoTime:
    rest = (moment.nanoseconds - _zero()) % unit
    return moment.plus(-rest if 2 * rest < unit else unit - rest)
