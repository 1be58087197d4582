"""What a plain YAML scalar means to go-yaml v2, the YAML 1.1 of sigs.k8s.io/yaml.

Numbers in their many forms, the booleans of YAML 1.1, null, the merge key and timestamps. Base-60 numbers are text.
"""

from __future__ import annotations

import re
from math import inf, nan

__all__ = ["TIMESTAMP", "Special", "is_base60", "parse_go_int", "resolve_plain", "resolves_to_text"]


class Special:
    """A scalar that is text by value and something else by tag: a timestamp."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


TIMESTAMP = Special("timestamp")

_WORDS: dict[str, object] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -inf),
}

_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DOT_FLOAT = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?\Z")
_BASE60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_INT = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))\Z"
)
_STAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(?:Z|[-+]\d\d:\d\d))"
    r"|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?))?\Z"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_go_int(text: str) -> int | None:
    """`strconv.ParseInt(text, 0, 64)`, widened to what ParseUint takes; None when it refuses."""
    found = _INT.match(text)
    if found is None:
        return None
    if found["dec"]:
        value = int(found["dec"])
    elif found["hex"]:
        value = int(found["hex"], 16)
    elif found["oct"]:
        value = int(found["oct"], 8)
    else:
        value = int(found["bin"], 2)
    if found["sign"]:
        value = -value if found["sign"] == "-" else value
        return value if -(1 << 63) <= value < 1 << 63 else None
    return value if value < 1 << 64 else None


def _is_timestamp(text: str) -> bool:
    found = _STAMP.match(text)
    if found is None:
        return False
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    if not 1 <= month <= 12:
        return False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS[month - 1] + leap:
        return False
    hour, minute, second = found.group(4, 5, 6) if found[4] else found.group(7, 8, 9)
    return hour is None or (int(hour) < 24 and int(minute) < 60 and int(second) < 60)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if value not in (inf, -inf) else None


def resolve_plain(text: str) -> object:
    """The value of an unquoted scalar: str, int, float, bool, None or TIMESTAMP."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first == ".":
        number = _finite(text) if _DOT_FLOAT.match(text) else None
        return text if number is None else number
    if first not in "+-0123456789":
        return text
    if text[4:5] == "-" and _is_timestamp(text):
        return TIMESTAMP
    plain = text.replace("_", "") if "_" in text else text
    integer = parse_go_int(plain)
    if integer is not None:
        return integer
    if _FLOAT.match(plain):
        number = _finite(plain)
        if number is not None:
            return number
    return text


def is_base60(text: str) -> bool:
    """Whether YAML 1.1 would read the text as a base-60 number; such text is quoted on the way out."""
    return ":" in text and _BASE60.match(text) is not None


def resolves_to_text(text: str) -> bool:
    """Whether the text, unquoted, is read back as the same string (base-60 forms count as not)."""
    return resolve_plain(text) is text and not is_base60(text)
