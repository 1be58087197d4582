"""Times as release records hold them (RFC 3339 with up to nine decimals) and as Go prints them.

Records of real Helm carry nanoseconds, which datetime cannot: times stay text and are read where they are printed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))$",
)

ZERO = "0001-01-01T00:00:00Z"
"""Go's zero time, which older records spell out."""


def format_time(moment: datetime) -> str:
    """A datetime with zone -> RFC 3339 without trailing zeros, as Go writes times to JSON."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{text}{fraction}{_zone(moment.utcoffset() or timedelta())}"


def parse_time(text: str) -> datetime | None:
    """RFC 3339 -> datetime (microseconds at most); None for nothing, zero or what is no time."""
    found = _RFC3339.match(text)
    if found is None or text == ZERO:
        return None
    year, month, day, hour, minute, second = (int(found.group(i)) for i in range(1, 7))
    micro = int((found.group(7) or "0")[:6].ljust(6, "0"))
    zone = UTC
    if found.group(9):
        offset = timedelta(hours=int(found.group(10)), minutes=int(found.group(11)))
        zone = timezone(-offset if found.group(9) == "-" else offset)
    try:
        return datetime(year, month, day, hour, minute, second, micro, zone)
    except ValueError:
        return None


def is_zero(text: str) -> bool:
    """No time at all."""
    return parse_time(text) is None


def ansic(text: str) -> str:
    """`Mon Jan _2 15:04:05 2006`."""
    moment = parse_time(text)
    if moment is None:
        return "Mon Jan  1 00:00:00 0001"
    return f"{moment:%a %b} {moment.day:2d} {moment:%H:%M:%S} {moment.year}"


def go_string(text: str) -> str:
    """`2006-01-02 15:04:05.999999999 -0700 MST`, with the nanoseconds the record holds."""
    moment = parse_time(text)
    if moment is None:
        return "0001-01-01 00:00:00 +0000 UTC"
    found = _RFC3339.match(text)
    digits = ((found.group(7) if found else "") or "").rstrip("0")
    fraction = f".{digits}" if digits else ""
    offset = moment.utcoffset() or timedelta()
    number = _zone(offset).replace(":", "").replace("Z", "+0000")
    name = "UTC" if not offset else number
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {number} {name}"


def _zone(offset: timedelta) -> str:
    if not offset:
        return "Z"
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
