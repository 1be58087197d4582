"""The `format` keyword of JSON schema: each check answers why a text is not of its format, or "" when it is.

Values that are no text are of every format.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(\.\d+)?(z|Z|([+-])(\d\d):(\d\d))")
_HOST_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")


def ipv4(text: str) -> str:
    groups = text.split(".")
    if len(groups) != 4:
        return "expected 4 decimals"
    for group in groups:
        if len(group) > 1 and group.startswith("0"):
            return "leading zeros"
        if not group.isdigit() or not group.isascii():
            return f'strconv.Atoi: parsing "{group}": invalid syntax'
        if int(group) > 255:
            return "decimal must be between 0 and 255"
    return ""


def ipv6(text: str) -> str:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return "invalid ipv6"
    return "zone id is not a part of ipv6 address" if "%" in text else ""


def full_date(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return "must be of the form YYYY-MM-DD"
    try:
        date.fromisoformat(text)
    except ValueError as error:
        return str(error)
    return ""


def full_time(text: str) -> str:
    if len(text) < 9:
        return "less than 9 characters long"
    found = _TIME.fullmatch(text)
    if not found:
        return "must be of the form HH:MM:SS with a time zone"
    hour, minute, second = int(found[1]), int(found[2]), int(found[3])
    offset = (int(found[7]) * 60 + int(found[8])) * (-1 if found[6] == "-" else 1) if found[6] else 0
    if hour > 23 or minute > 59 or second > 60:
        return "hour, minute or second out of range"
    utc = (hour * 60 + minute - offset) % (24 * 60)
    return "invalid leap second" if second == 60 and utc != 23 * 60 + 59 else ""


def date_time(text: str) -> str:
    if len(text) < 20:
        return "less than 20 characters long"
    if text[10] not in "tT":
        return "11th character must be t or T"
    return full_date(text[:10]) or full_time(text[11:])


def uri(text: str) -> str:
    wrong = uri_reference(text)
    return wrong or ("" if urlsplit(text).scheme else "relative url")


def uri_reference(text: str) -> str:
    if text.startswith(":"):
        return f'parse "{text}": missing protocol scheme'
    if "\\" in text:
        return "contains \\"
    try:
        urlsplit(text)
    except ValueError as error:
        return str(error)
    return "contains white space" if re.search(r"\s", text) else ""


def hostname(text: str) -> str:
    if not 0 < len(text.removesuffix(".")) <= 253:
        return "must be between 1 and 253 characters long"
    bad = [label for label in text.removesuffix(".").split(".") if not _HOST_LABEL.fullmatch(label)]
    return f"label {bad[0]!r} is not valid" if bad else ""


def email(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at:
        return "missing @"
    if not 0 < len(local) <= 64 or re.search(r"\s|\.\.|^\.|\.$", local.strip('"')):
        return "local part is not valid"
    if domain.startswith("[") and domain.endswith("]"):
        return ipv6(domain[6:-1]) if domain.startswith("[IPv6:") else ipv4(domain[1:-1])
    return hostname(domain)


def regex(text: str) -> str:
    from pyhelm.formats.regexp import RegexpError, compile_regexp

    try:
        compile_regexp(text)
    except RegexpError as error:
        return str(error)
    return ""


def uuid(text: str) -> str:
    return "" if _UUID.fullmatch(text) else "must be of the form 8-4-4-4-12 hexadecimal digits"


def json_pointer(text: str) -> str:
    return "" if _POINTER.fullmatch(text) else "not starting with / or with a lone ~"


def _texts(check: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: check(value) if isinstance(value, str) else ""


CHECKS: dict[str, Callable[[Any], str]] = {
    name: _texts(check)
    for name, check in {
        "date": full_date,
        "date-time": date_time,
        "email": email,
        "hostname": hostname,
        "ipv4": ipv4,
        "ipv6": ipv6,
        "json-pointer": json_pointer,
        "regex": regex,
        "time": full_time,
        "uri": uri,
        "uri-reference": uri_reference,
        "uuid": uuid,
    }.items()
}
"""Format name -> check."""
