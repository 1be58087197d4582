"""Go's reference layouts (`Mon Jan 2 15:04:05 MST 2006`): formatting and parsing times by them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from pyhelm.formats.gotime import LOCAL, MONTHS, SECOND, UTC, WEEKDAYS, GoTime, Zone, days_from_civil
from pyhelm.formats.quoting import quote

__all__ = ["TimeError", "format_time", "parse_time"]


class TimeError(ValueError):
    """Text that does not fit its layout; the message is Go's."""


_CHUNK = re.compile(
    r"(?P<named>January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST)"
    r"|(?P<zero>002|0[1-6])"
    r"|(?P<number>15|1|2006|2|3|4|5)"
    r"|(?P<under>__2|_2(?!006))"
    r"|(?P<half>PM|pm)"
    r"|(?P<zone>(?:-|Z)(?:07:00:00|070000|07:00|0700|07))"
    r"|(?P<fraction>[.,](?:0+|9+)(?![0-9]))"
)


@lru_cache(maxsize=256)
def _chunks(layout: str) -> tuple[tuple[str, str], ...]:
    """(literal text, chunk) pairs; the chunk of the last pair is ""."""
    out: list[tuple[str, str]] = []
    at = 0
    for found in _CHUNK.finditer(layout):
        out.append((layout[at : found.start()], found[0]))
        at = found.end()
    out.append((layout[at:], ""))
    return tuple(out)


def format_time(moment: GoTime, layout: str) -> str:
    """time.Time.Format."""
    parts = moment.parts()
    out: list[str] = []
    for literal, chunk in _chunks(layout):
        out.append(literal)
        if chunk:
            out.append(_shown(moment, parts, chunk))
    return "".join(out)


def _year(year: int, width: int) -> str:
    return f"-{str(-year).rjust(width, '0')}" if year < 0 else str(year).rjust(width, "0")


def _shown(moment: GoTime, parts: tuple[int, int, int, int, int, int, int], chunk: str) -> str:
    year, month, day, hour, minute, second, nanosecond = parts
    simple: dict[str, Callable[[], str]] = {
        "2006": lambda: _year(year, 4), "06": lambda: f"{abs(year) % 100:02d}", "January": lambda: MONTHS[month - 1],
        "Jan": lambda: MONTHS[month - 1][:3], "01": lambda: f"{month:02d}", "1": lambda: str(month),
        "Monday": lambda: WEEKDAYS[moment.weekday()], "Mon": lambda: WEEKDAYS[moment.weekday()][:3],
        "02": lambda: f"{day:02d}", "_2": lambda: f"{day:2d}", "2": lambda: str(day),
        "002": lambda: f"{moment.year_day():03d}", "__2": lambda: f"{moment.year_day():3d}",
        "15": lambda: f"{hour:02d}", "03": lambda: f"{hour % 12 or 12:02d}", "3": lambda: str(hour % 12 or 12),
        "04": lambda: f"{minute:02d}", "4": lambda: str(minute),
        "05": lambda: f"{second:02d}", "5": lambda: str(second),
        "PM": lambda: "PM" if hour >= 12 else "AM", "pm": lambda: "pm" if hour >= 12 else "am",
    }  # fmt: skip
    writer = simple.get(chunk)
    if writer is not None:
        return writer()
    if chunk[0] in ".,":
        return _fraction(nanosecond, chunk)
    offset, name = moment.zone.at(moment.seconds)
    if chunk == "MST":
        return name or _offset(offset, "-0700")
    return "Z" if chunk[0] == "Z" and offset == 0 else _offset(offset, "-" + chunk[1:])


def _fraction(nanosecond: int, chunk: str) -> str:
    digits = f"{nanosecond:09d}"[: len(chunk) - 1]
    if chunk[1] == "9":
        digits = digits.rstrip("0")
        return chunk[0] + digits if digits else ""
    return chunk[0] + digits.ljust(len(chunk) - 1, "0")


def _offset(offset: int, form: str) -> str:
    sign, value = ("-", -offset) if offset < 0 else ("+", offset)
    hours, minutes, seconds = value // 3600, value // 60 % 60, value % 60
    separator = ":" if ":" in form else ""
    out = f"{sign}{hours:02d}"
    if len(form) > 3:
        out += f"{separator}{minutes:02d}"
    return out + (f"{separator}{seconds:02d}" if len(form) > 6 else "")


@dataclass
class _Reading:
    """What has been read of a time so far."""

    value: str
    year: int = 0
    month: int = -1
    day: int = -1
    year_day: int = -1
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    pm: bool | None = None
    offset: int | None = None
    zone_name: str = ""
    utc: bool = False
    out_of_range: str = ""
    rest: str = ""
    missing: str = ""
    """The literal of the layout that was not found."""


class _Misfit(Exception):
    """The value does not fit the chunk."""


def parse_time(layout: str, value: str, zone: Zone = LOCAL) -> GoTime:
    """time.ParseInLocation. Raises TimeError."""
    reading = _Reading(value, rest=value)
    for literal, chunk in _chunks(layout):
        before = reading.rest
        try:
            _skip(reading, literal)
            if not chunk:
                if reading.rest:
                    raise TimeError(f"parsing time {quote(value)}: extra text: {quote(reading.rest)}")
                break
            before = reading.rest
            _read(reading, chunk, layout)
        except _Misfit:
            wanted = reading.missing or chunk
            shown = quote(reading.rest if reading.missing else before)
            raise TimeError(
                f"parsing time {quote(value)} as {quote(layout)}: cannot parse {shown} as {quote(wanted)}"
            ) from None
        if reading.out_of_range:
            raise TimeError(f"parsing time {quote(value)}: {reading.out_of_range} out of range")
    return _assembled(reading, zone)


def _skip(reading: _Reading, literal: str) -> None:
    """The literal must stand here; a run of spaces in it matches any run of spaces."""
    reading.missing = ""
    rest = reading.rest
    whole = literal
    while literal:
        if literal[0] == " ":
            if rest and rest[0] != " ":
                break
            literal, rest = literal.lstrip(" "), rest.lstrip(" ")
            continue
        if not rest or rest[0] != literal[0]:
            break
        literal, rest = literal[1:], rest[1:]
    if literal:
        reading.missing = whole
        raise _Misfit
    reading.rest = rest


def _digits(reading: _Reading, low: int, high: int) -> int:
    rest = reading.rest
    count = 0
    while count < high and count < len(rest) and "0" <= rest[count] <= "9":
        count += 1
    if count < low:
        raise _Misfit
    reading.rest = rest[count:]
    return int(rest[:count])


def _named(reading: _Reading, names: tuple[str, ...], length: int | None) -> int:
    for number, name in enumerate(names):
        wanted = name[:length].lower()
        if reading.rest[: len(wanted)].lower() == wanted:
            reading.rest = reading.rest[len(wanted) :]
            return number
    raise _Misfit


def _read(reading: _Reading, chunk: str, layout: str) -> None:
    reader = _READERS.get(chunk)
    if reader is not None:
        reader(reading)
    elif chunk[0] in ".,":
        _read_fraction(reading, chunk)
    elif chunk == "MST":
        _read_zone_name(reading)
    else:
        _read_offset(reading, chunk)
    if chunk in ("05", "5") and _fraction_follows(reading, layout, chunk):
        _read_digits_fraction(reading)


def _fraction_follows(reading: _Reading, layout: str, chunk: str) -> bool:
    """A fraction may follow the seconds though the layout does not name it."""
    rest = reading.rest
    if len(rest) < 2 or rest[0] not in ".," or not rest[1].isdigit():
        return False
    chunks = _chunks(layout)
    for place, (_, found) in enumerate(chunks[:-1]):
        if found == chunk:
            literal, following = chunks[place + 1]
            return not (literal == "" and following[:1] in (".", ","))
    return False


def _read_digits_fraction(reading: _Reading) -> None:
    digits = 1
    while digits < len(reading.rest) and reading.rest[digits].isdigit():
        digits += 1
    text = reading.rest[1:digits]
    reading.nanosecond = int(text[:9].ljust(9, "0"))
    reading.rest = reading.rest[digits:]


def _read_fraction(reading: _Reading, chunk: str) -> None:
    rest = reading.rest
    if chunk[1] == "9":
        if len(rest) >= 2 and rest[0] in ".," and rest[1].isdigit():
            _read_digits_fraction(reading)
        return
    digits = len(chunk) - 1
    text = rest[1 : digits + 1]
    if rest[:1] not in (".", ",") or len(text) < digits or not text.isdecimal():
        raise _Misfit
    reading.nanosecond = int(text[:9].ljust(9, "0"))
    reading.rest = rest[digits + 1 :]


_ZONE_NAME = re.compile(r"ChST|MeST|GMT(?:[+-][0-9]{1,2})?|[+-][0-9]{2}(?![0-9])|[A-Z]{4}T|[A-Z]{3}T|[A-Z]{3}(?![A-Z])")


def _read_zone_name(reading: _Reading) -> None:
    if reading.rest.startswith("UTC"):
        reading.utc = True
        reading.rest = reading.rest[3:]
        return
    found = _ZONE_NAME.match(reading.rest)
    if found is None:
        raise _Misfit
    reading.zone_name = found[0]
    reading.rest = reading.rest[found.end() :]


_OFFSETS = {
    "07:00:00": re.compile(r"([+-])(\d\d):(\d\d):(\d\d)"),
    "070000": re.compile(r"([+-])(\d\d)(\d\d)(\d\d)"),
    "07:00": re.compile(r"([+-])(\d\d):(\d\d)"),
    "0700": re.compile(r"([+-])(\d\d)(\d\d)"),
    "07": re.compile(r"([+-])(\d\d)"),
}


def _read_offset(reading: _Reading, chunk: str) -> None:
    if chunk[0] == "Z" and reading.rest.startswith("Z"):
        reading.utc = True
        reading.rest = reading.rest[1:]
        return
    found = _OFFSETS[chunk[1:]].match(reading.rest)
    if found is None:
        raise _Misfit
    numbers = [int(text) for text in found.groups()[1:]] + [0, 0]
    if numbers[0] > 24 or numbers[1] > 60 or numbers[2] > 60:
        reading.out_of_range = "time zone offset " + ("hour" if numbers[0] > 24 else "minute")
    seconds = numbers[0] * 3600 + numbers[1] * 60 + numbers[2]
    reading.offset = -seconds if found[1] == "-" else seconds
    reading.rest = reading.rest[found.end() :]


def _bounded(reading: _Reading, name: str, low: int, high: int, bottom: int, top: int) -> int:
    number = _digits(reading, low, high)
    if not bottom <= number < top:
        reading.out_of_range = name
    return number


def _read_year(reading: _Reading) -> None:
    reading.year = _digits(reading, 4, 4)


def _read_short_year(reading: _Reading) -> None:
    year = _digits(reading, 2, 2)
    reading.year = year + (1900 if year >= 69 else 2000)


def _read_month(reading: _Reading, low: int) -> None:
    reading.month = _bounded(reading, "month", low, 2, 1, 13)


def _read_day(reading: _Reading, low: int, padded: bool) -> None:
    if padded and reading.rest.startswith(" "):
        reading.rest = reading.rest[1:]
    reading.day = _digits(reading, low, 2)


def _read_half(reading: _Reading, upper: bool) -> None:
    text = reading.rest[:2]
    if text not in (("AM", "PM") if upper else ("am", "pm")):
        raise _Misfit
    reading.pm = text.lower() == "pm"
    reading.rest = reading.rest[2:]


def _set_month(reading: _Reading, length: int | None) -> None:
    reading.month = _named(reading, MONTHS, length) + 1


def _set_hour(reading: _Reading, low: int, top: int, bottom: int = 0) -> None:
    reading.hour = _bounded(reading, "hour", low, 2, bottom, top)


def _set_minute(reading: _Reading, low: int) -> None:
    reading.minute = _bounded(reading, "minute", low, 2, 0, 60)


def _set_second(reading: _Reading, low: int) -> None:
    reading.second = _bounded(reading, "second", low, 2, 0, 60)


def _set_year_day(reading: _Reading, padded: bool) -> None:
    for _ in range(2):
        if padded and reading.rest.startswith(" "):
            reading.rest = reading.rest[1:]
    reading.year_day = _digits(reading, 1 if padded else 3, 3)


_READERS: dict[str, Callable[[_Reading], object]] = {
    "2006": _read_year,
    "06": _read_short_year,
    "January": lambda reading: _set_month(reading, None),
    "Jan": lambda reading: _set_month(reading, 3),
    "01": lambda reading: _read_month(reading, 2),
    "1": lambda reading: _read_month(reading, 1),
    "Monday": lambda reading: _named(reading, WEEKDAYS, None),
    "Mon": lambda reading: _named(reading, WEEKDAYS, 3),
    "02": lambda reading: _read_day(reading, 2, False),
    "2": lambda reading: _read_day(reading, 1, False),
    "_2": lambda reading: _read_day(reading, 1, True),
    "002": lambda reading: _set_year_day(reading, False),
    "__2": lambda reading: _set_year_day(reading, True),
    "15": lambda reading: _set_hour(reading, 1, 24),
    "03": lambda reading: _set_hour(reading, 2, 13),
    "3": lambda reading: _set_hour(reading, 1, 13),
    "04": lambda reading: _set_minute(reading, 2),
    "4": lambda reading: _set_minute(reading, 1),
    "05": lambda reading: _set_second(reading, 2),
    "5": lambda reading: _set_second(reading, 1),
    "PM": lambda reading: _read_half(reading, True),
    "pm": lambda reading: _read_half(reading, False),
}


def _month_days(year: int, month: int) -> int:
    following = days_from_civil(year + (month == 12), month % 12 + 1, 1)
    return following - days_from_civil(year, month, 1)


def _assembled(reading: _Reading, zone: Zone) -> GoTime:
    if reading.pm is True and reading.hour < 12:
        reading.hour += 12
    elif reading.pm is False and reading.hour == 12:
        reading.hour = 0
    month, day = _date(reading)
    seconds = days_from_civil(reading.year, month, day) * 86_400
    seconds += reading.hour * 3600 + reading.minute * 60 + reading.second
    return _placed(reading, seconds, zone)


def _date(reading: _Reading) -> tuple[int, int]:
    if reading.year_day >= 0:
        length = days_from_civil(reading.year + 1, 1, 1) - days_from_civil(reading.year, 1, 1)
        if not 1 <= reading.year_day <= length:
            raise TimeError(f"parsing time {quote(reading.value)}: day-of-year out of range")
        from pyhelm.formats.gotime import civil

        return civil(days_from_civil(reading.year, 1, 1) + reading.year_day - 1)[1:]
    month = reading.month if reading.month >= 0 else 1
    day = reading.day if reading.day >= 0 else 1
    if not 1 <= day <= _month_days(reading.year, month):
        raise TimeError(f"parsing time {quote(reading.value)}: day out of range")
    return month, day


def _placed(reading: _Reading, seconds: int, zone: Zone) -> GoTime:
    nanoseconds = reading.nanosecond
    if reading.utc:
        return GoTime(seconds * SECOND + nanoseconds, UTC)
    if reading.offset is not None:
        instant = seconds - reading.offset
        offset, name = zone.at(instant)
        same = offset == reading.offset and reading.zone_name in ("", name)
        fixed = zone if same else Zone(reading.zone_name, reading.offset)
        return GoTime(instant * SECOND + nanoseconds, fixed)
    if reading.zone_name:
        instant = _local_instant(seconds, zone)
        if zone.at(instant)[1] == reading.zone_name:
            return GoTime(instant * SECOND + nanoseconds, zone)
        offset = 0
        if reading.zone_name[:3] == "GMT" and len(reading.zone_name) > 3:
            offset = int(reading.zone_name[3:]) * 3600
        return GoTime((seconds - offset) * SECOND + nanoseconds, Zone(reading.zone_name, offset))
    return GoTime(_local_instant(seconds, zone) * SECOND + nanoseconds, zone)


def _local_instant(seconds: int, zone: Zone) -> int:
    """The instant whose wall clock in the zone shows these seconds."""
    offset = zone.at(seconds - zone.at(seconds)[0])[0]
    return seconds - offset
