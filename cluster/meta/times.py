"""Times and durations as the API writes them: RFC 3339 in UTC, to the second or the microsecond; Go durations."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from cluster.meta.decimals import fraction, whole

SECOND_LAYOUT = "2006-01-02T15:04:05Z07:00"
MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"

_rfc3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})", re.ASCII
).fullmatch
_plain = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII).fullmatch
_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_term = re.compile(r"(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)").match


class TimeError(ValueError):
    """The text is no time or duration; the message is Go's."""


def parse(text: str) -> datetime:
    """An RFC 3339 time. Raises TimeError."""
    found = _rfc3339(text)
    if found is None:
        raise TimeError(_complaint(text, SECOND_LAYOUT))
    try:
        return _build(found)
    except ValueError as error:
        raise TimeError(f"parsing time {_quote(text)}: {_out_of_range(found)}") from error


def _build(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    micro = int((found[7] or "0").ljust(6, "0")[:6])
    return datetime(year, month, day, hour, minute, second, micro, _zone(found[8]))


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def unix(text: str) -> float:
    """Unix seconds of an API time. Raises TimeError."""
    return parse(text).timestamp()


def _utc(when: float | datetime) -> datetime:
    return when.astimezone(UTC) if isinstance(when, datetime) else datetime.fromtimestamp(when, UTC)


def seconds(when: float | datetime) -> str:
    """As metav1.Time prints: `2021-01-02T03:04:05Z`."""
    return _utc(when).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def micros(when: float | datetime) -> str:
    """As metav1.MicroTime prints: `2021-01-02T03:04:05.000006Z`."""
    return _utc(when).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def canonical_seconds(text: str) -> str:
    """Any RFC 3339 time as the API stores a Time. Raises TimeError."""
    if _plain(text):
        parse(text)
        return text
    return seconds(parse(text))


def canonical_micros(text: str) -> str:
    """Any RFC 3339 time as the API stores a MicroTime. Raises TimeError in the words of its own layout."""
    found = _rfc3339(text)
    if found is None or len(found[7] or "") != 6:
        raise TimeError(_complaint(text, MICRO_LAYOUT))
    return micros(parse(text))


_RANGES = (("month", 2, 1, 12), ("day", 3, 1, 31), ("hour", 4, 0, 23), ("minute", 5, 0, 59), ("second", 6, 0, 59))


def _out_of_range(found: re.Match[str]) -> str:
    for name, group, low, high in _RANGES:
        if not low <= int(found[group]) <= high:
            return f"{name} out of range"
    return "day out of range"


_LAYOUT_PARTS = (
    (re.compile(r"\d{4}", re.ASCII), "2006"),
    (re.compile(r"-"), "-"),
    (re.compile(r"\d{2}", re.ASCII), "01"),
    (re.compile(r"-"), "-"),
    (re.compile(r"\d{2}", re.ASCII), "02"),
    (re.compile(r"T"), "T"),
    (re.compile(r"\d{2}", re.ASCII), "15"),
    (re.compile(r":"), ":"),
    (re.compile(r"\d{2}", re.ASCII), "04"),
    (re.compile(r":"), ":"),
    (re.compile(r"\d{2}", re.ASCII), "05"),
)


def _complaint(text: str, layout: str) -> str:
    """Go's parse error: which layout element could not be read where."""
    rest = text
    for pattern, element in _LAYOUT_PARTS:
        found = pattern.match(rest)
        if found is None:
            return f"parsing time {_quote(text)} as {_quote(layout)}: cannot parse {_quote(rest)} as {_quote(element)}"
        rest = rest[found.end() :]
    fraction = re.match(r"[.,]\d{6}" if layout == MICRO_LAYOUT else r"[.,]\d+", rest)
    if layout == MICRO_LAYOUT and fraction is None:
        return f"parsing time {_quote(text)} as {_quote(layout)}: cannot parse {_quote(rest)} as {_quote('.000000')}"
    rest = rest[fraction.end() :] if fraction else rest
    zone = re.match(r"Z|[+-]\d{2}:\d{2}", rest)
    if zone is None:
        return f"parsing time {_quote(text)} as {_quote(layout)}: cannot parse {_quote(rest)} as {_quote('Z07:00')}"
    return f"parsing time {_quote(text)}: extra text: {_quote(rest[zone.end() :])}"


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_duration(text: str) -> int:
    """Nanoseconds of a Go duration (`1h30m`, `250ms`). Raises TimeError."""
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0
    total, at = 0, 0
    while at < len(body):
        found = _term(body, at)
        if found is None or not (found[1] or found[2]):
            raise TimeError(_duration_fault(text, body[at:]))
        total += _nanos(found)
        at = found.end()
    if not body:
        raise TimeError(f"time: invalid duration {_quote(text)}")
    return -total if text[0] == "-" else total


def _nanos(found: re.Match[str]) -> int:
    unit = _UNITS[found[3]]
    part, scale = fraction(found[2] or "")
    return whole(found[1] or "0") * unit + part * unit // scale


def _duration_fault(text: str, rest: str) -> str:
    number = re.match(r"(\d+(\.\d*)?|\.\d+)", rest)
    if number is None:
        return f"time: invalid duration {_quote(text)}"
    unit = re.match(r"[^\d.]*", rest[number.end() :])
    if unit is None or not unit[0]:
        return f"time: missing unit in duration {_quote(text)}"
    return f"time: unknown unit {_quote(unit[0])} in duration {_quote(text)}"


def format_duration(nanos: int) -> str:
    """A duration as Go prints it: `1h30m0s`, `250ms`, `0s`."""
    if nanos == 0:
        return "0s"
    sign, nanos = ("-", -nanos) if nanos < 0 else ("", nanos)
    for limit, unit, name in ((10**3, 1, "ns"), (10**6, 10**3, "µs"), (10**9, 10**6, "ms")):
        if nanos < limit:
            return f"{sign}{_decimal(nanos, unit)}{name}"
    minutes, rest = divmod(nanos, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{head}{_decimal(rest, 10**9)}s"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).rjust(len(str(unit)) - 1, '0').rstrip('0')}"
