"""Go's reference-time layouts (`2006-01-02 15:04:05`), for `--time-format`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_PART = re.compile(
    r"2006|January|Jan|Monday|Mon|01|02|03|04|05|06|15|MST|-0700|-07:00|Z0700|Z07:00|PM|pm|_2|\.0+|\.9+|[1-5]"
)


def go_format(moment: datetime, layout: str) -> str:
    """`moment` as Go's Time.Format writes it."""
    return _PART.sub(lambda found: _part(moment, found.group()), layout)


def _part(m: datetime, word: str) -> str:
    hour12 = m.hour % 12 or 12
    offset = m.utcoffset() or timedelta()
    minutes = round(abs(offset.total_seconds()) / 60)
    sign = "-" if offset < timedelta() else "+"
    zone = f"{sign}{minutes // 60:02d}{minutes % 60:02d}"
    colon = f"{zone[:3]}:{zone[3:]}"
    if word[0] == ".":
        digits = f"{m.microsecond:06d}000"[: len(word) - 1]
        return f".{digits}" if word[1] == "0" else f".{digits}".rstrip("0").rstrip(".")
    fixed = {
        "2006": f"{m.year:04d}",
        "January": f"{m:%B}",
        "Jan": f"{m:%b}",
        "Monday": f"{m:%A}",
        "Mon": f"{m:%a}",
        "01": f"{m.month:02d}",
        "1": str(m.month),
        "02": f"{m.day:02d}",
        "_2": f"{m.day:2d}",
        "2": str(m.day),
        "15": f"{m.hour:02d}",
        "03": f"{hour12:02d}",
        "3": str(hour12),
        "04": f"{m.minute:02d}",
        "4": str(m.minute),
        "05": f"{m.second:02d}",
        "5": str(m.second),
        "06": f"{m.year % 100:02d}",
        "PM": "PM" if m.hour >= 12 else "AM",
        "pm": "pm" if m.hour >= 12 else "am",
        "MST": "UTC" if not offset else zone,
        "-0700": zone,
        "-07:00": colon,
        "Z0700": zone if offset else "Z",
        "Z07:00": colon if offset else "Z",
    }
    return fixed[word]
