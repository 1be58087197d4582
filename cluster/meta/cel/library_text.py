"""Strings and regular expressions. Patterns are RE2's, and strings are counted in code points."""

from __future__ import annotations

import re
from typing import Any

from cluster.meta.cel.functions import function
from cluster.meta.cel.values import Duration, EvalError, TypeValue, show_timestamp
from cluster.meta.goregex import PatternError, compiled

function("string.startsWith(string) bool")(str.startswith)
function("string.endsWith(string) bool")(str.endswith)
function("string.contains(string) bool")(lambda text, part: part in text)
function("string.indexOf(string) int")(str.find)
function("string.lastIndexOf(string) int")(str.rfind)
function("string.trim() string")(str.strip)
function("string.replace(string, string) string")(str.replace)
function("string.replace(string, string, int) string")(lambda text, old, new, count: text.replace(old, new, count))
function("string.reverse() string")(lambda text: text[::-1])
function("list.join() string")(lambda items: _joined(items, ""))
function("list.join(string) string")(lambda items, between: _joined(items, between))
_UPPER = {code: code - 32 for code in range(97, 123)}
_LOWER = {code: code + 32 for code in range(65, 91)}
function("string.lowerAscii() string")(lambda text: text.translate(_LOWER))
function("string.upperAscii() string")(lambda text: text.translate(_UPPER))


def _joined(items: list[Any], between: str) -> str:
    if not all(isinstance(item, str) for item in items):
        raise EvalError("no such overload")
    return between.join(items)


@function("string.indexOf(string, int) int")
def index_from(text: str, part: str, start: int) -> int:
    if not 0 <= start <= len(text):
        raise EvalError(f"index out of range: {start}")
    return text.find(part, start)


@function("string.lastIndexOf(string, int) int")
def last_index_to(text: str, part: str, end: int) -> int:
    if not 0 <= end <= len(text):
        raise EvalError(f"index out of range: {end}")
    return text.rfind(part, 0, end + len(part))


@function("string.charAt(int) string")
def char_at(text: str, at: int) -> str:
    if not 0 <= at <= len(text):
        raise EvalError(f"index out of range: {at}")
    return text[at : at + 1]


@function("string.substring(int) string", "string.substring(int, int) string")
def substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise EvalError(f"index out of range: {start}")
    if stop > len(text) or stop < start:
        words = (
            f"invalid substring range. start: {start}, end: {stop}" if stop < start else f"index out of range: {stop}"
        )
        raise EvalError(words)
    return text[start:stop]


@function("string.split(string) list:string", "string.split(string, int) list:string")
def split(text: str, between: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if not between:
        parts = list(text)
        return parts if count < 0 or len(parts) <= count else [*parts[: count - 1], "".join(parts[count - 1 :])]
    return text.split(between, count - 1 if count > 0 else -1)


@function("fn strings.quote(string) string")
def quote(text: str) -> str:
    known = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    known |= {"\\": "\\\\", '"': '\\"'}
    return '"' + "".join(known.get(c, c) for c in text) + '"'


# Patterns.


def pattern(text: str) -> Any:
    """A compiled pattern. Raises EvalError."""
    try:
        return compiled(text)
    except PatternError as error:
        raise EvalError(str(error)) from None


@function("string.matches(string) bool", "matches(string, string) bool")
def matches(text: str, expression: str) -> bool:
    return pattern(expression).search(text) is not None


@function("string.find(string) string")
def find(text: str, expression: str) -> str:
    found = pattern(expression).search(text)
    return "" if found is None else str(found.group())


@function("string.findAll(string) list:string", "string.findAll(string, int) list:string")
def find_all(text: str, expression: str, most: int = -1) -> list[str]:
    found = [match.group() for match in pattern(expression).finditer(text)]
    return found if most < 0 else found[:most]


# Formats.

_VERB = re.compile(r"%(?:\.(\d+))?(.)", re.DOTALL)


@function("string.format(list) string")
def formatted(text: str, args: list[Any]) -> str:
    """printf as CEL knows it: %s %d %f %e %b %o %x %X."""
    left = iter(args)
    return _VERB.sub(lambda m: "%" if m[2] == "%" else _verb(m[2], m[1], left), text)


def _verb(verb: str, precision: str | None, left: Any) -> str:
    try:
        value = next(left)
    except StopIteration:
        raise EvalError("index out of bounds: 0") from None
    if verb == "s":
        return shown(value)
    if verb in "fe" and isinstance(value, int | float):
        return f"{value:.{precision or 6}{verb}}"
    if verb in "xX" and isinstance(value, str | bytes):
        digits = (value.encode() if isinstance(value, str) else value).hex()
        return digits.upper() if verb == "X" else digits
    if verb in "dboxX" and isinstance(value, int):
        return format(int(value), verb)
    raise EvalError(f"error during formatting: unrecognized formatting clause for value: %{verb}")


def shown(value: Any) -> str:
    """How %s shows a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in sorted(value.items(), key=lambda i: str(i[0]))) + "}"
        )
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, TypeValue):
        return value.name
    if hasattr(value, "tzinfo"):
        return show_timestamp(value)
    return str(value) if not isinstance(value, int) or isinstance(value, Duration) else str(int(value))
