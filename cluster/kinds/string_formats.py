"""The formats of texts that schemas of custom resources may demand, as the API server's strfmt knows them.

A format that is not here says nothing. What is accepted follows the libraries the API server uses, their leniency
included: addresses may have leading zeros, UUIDs no dashes, durations units in words.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from cluster.meta import names
from cluster.meta.goregex import compiled

_DATE_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))")
_HOSTNAME = (
    r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}]"
    r"(([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$"
)
_HEX = "[0-9a-fA-F]"
_BYTE = r"(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])"
_CARD = (
    r"4\d{12}(\d{3})?|5[1-5]\d{14}|(222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|6(011|5\d\d)\d{12}|"
    r"3[47]\d{13}|3(0[0-5]|[68]\d)\d{11}|(2131|1800|35\d{3})\d{11}|6[27]\d{14}"
)
_DURATION = re.compile(r"[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)")
_IN_WORDS = re.compile(r"(\d+)\s*([A-Za-zµ]+)")
_EXACT_UNITS = frozenset(("ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk"))
_UNITS = ("nano", "micro", "milli", "sec", "min", "hour", "day", "week")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\x80-\U0010FFFF]+"
_ADDRESS = re.compile(rf'({_ATOM}(\.{_ATOM})*|"[^"\\]*")@({_ATOM}(\.{_ATOM})*|\[[^\]]*\])')
_MAC = re.compile(rf"({_HEX}{{2}}([:-]{_HEX}{{2}}){{5}}(([:-]{_HEX}{{2}}){{2}}|([:-]{_HEX}{{2}}){{14}})?)|"
                  rf"({_HEX}{{4}}(\.{_HEX}{{4}}){{2}}(\.{_HEX}{{4}}|(\.{_HEX}{{4}}){{7}})?)")  # fmt: skip


def fits(text: str, style: str) -> bool:
    """Whether a text has a format; any has one that nobody knows."""
    check = _CHECKS.get(style.replace("-", "") if style != "k8s-short-name" and style != "k8s-long-name" else style)
    return check is None or check(text)


def _matching(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)) and bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


def _date_time(text: str) -> bool:
    parts = text.lower().split("t")
    found = _DATE_TIME.fullmatch(parts[1]) if len(parts) > 1 else None
    return found is not None and _date(parts[0]) and found[1] <= "23" and found[2] <= "59" and found[3] <= "59"


def _duration(text: str) -> bool:
    if _DURATION.fullmatch(text):
        return True
    found = (unit.lower() for _, unit in _IN_WORDS.findall(text))
    return any(unit in _EXACT_UNITS or unit.startswith(_UNITS) for unit in found)


def _email(text: str) -> bool:
    named = re.fullmatch(r"(.*)<(.*)>\s*", text, re.DOTALL)
    return _ADDRESS.fullmatch(named[2].strip() if named else text.strip()) is not None


def _hostname(text: str) -> bool:
    if not compiled(_HOSTNAME).search(text) or len(text.encode()) > 255:
        return False
    return all(len(part.encode()) <= 63 for part in text.split("."))


def _sloppy(text: str) -> str:
    """An address without leading zeros."""
    return re.sub(r"(^|[.])0+(?=\d)", r"\1", text)


def _address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(_sloppy(text)))
    except ValueError:
        return False


def _cidr(text: str) -> bool:
    address, slash, size = text.partition("/")
    if not slash or not re.fullmatch(r"\d{1,3}", size) or not _address(address):
        return False
    return int(size) <= (128 if ":" in address else 32)


def _uri(text: str) -> bool:
    if not text or re.search(r"[\x00-\x1f\x7f]", text) or re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return False
    if text.startswith("/"):
        return True
    if not re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", text):
        return False
    try:
        return " " not in urlsplit(text).netloc
    except ValueError:
        return False


def _card(text: str) -> bool:
    digits = re.sub(r"[^0-9]+", "", text)
    if not re.fullmatch(_CARD, digits):
        return False
    doubled = [int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _isbn10(text: str) -> bool:
    digits = re.sub(r"[\s-]+", "", text)
    if not re.fullmatch(r"[0-9]{9}[0-9X]", digits):
        return False
    return sum((at + 1) * (10 if d == "X" else int(d)) for at, d in enumerate(digits)) % 11 == 0


def _isbn13(text: str) -> bool:
    digits = re.sub(r"[\s-]+", "", text)
    if not re.fullmatch(r"[0-9]{13}", digits):
        return False
    return sum(int(d) * (3 if at % 2 else 1) for at, d in enumerate(digits)) % 10 == 0


def _uuid(version: str = "") -> Callable[[str], bool]:
    third = f"{version}{_HEX}{{3}}" if version else f"{_HEX}{{4}}"
    fourth = f"[89abAB]{_HEX}{{3}}" if version in ("4", "5") else f"{_HEX}{{4}}"
    return _matching(f"{_HEX}{{8}}-?{_HEX}{{4}}-?{third}-?{fourth}-?{_HEX}{{12}}")


_CHECKS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _matching(f"{_HEX}{{24}}"),
    "byte": _matching(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})"),
    "cidr": _cidr,
    "creditcard": _card,
    "date": _date,
    "datetime": _date_time,
    "duration": _duration,
    "email": _email,
    "hexcolor": _matching(f"#?({_HEX}{{3}}|{_HEX}{{6}})"),
    "hostname": _hostname,
    "ipv4": lambda text: "." in text and _address(text),
    "ipv6": lambda text: ":" in text and _address(text),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "k8s-long-name": lambda text: not names.dns1123_subdomain(text),
    "k8s-short-name": lambda text: not names.dns1123_label(text),
    "mac": lambda text: _MAC.fullmatch(text) is not None,
    "rgbcolor": _matching(rf"rgb\(\s*{_BYTE}\s*,\s*{_BYTE}\s*,\s*{_BYTE}\s*\)"),
    "ssn": _matching(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "uri": _uri,
    "uuid": _uuid(),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4"),
    "uuid5": _uuid("5"),
}
