"""Conversions, time, lists, sets and optionals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import cmp_to_key
from itertools import pairwise
from typing import Any

from cluster.meta.cel.functions import function
from cluster.meta.cel.values import (
    NONE,
    Duration,
    EvalError,
    Opt,
    TypeValue,
    UInt,
    equal,
    no_overload,
    number,
    parse_duration,
    parse_timestamp,
    show_timestamp,
    type_name,
)


@function("string.size() int", "bytes.size() int", "list.size() int", "map.size() int")
@function("size(string) int", "size(bytes) int", "size(list) int", "size(map) int")
def size(value: Any) -> int:
    return len(value)


@function("int(int) int", "int(uint) int", "int(double) int", "int(string) int", "int(timestamp) int")
def to_int(value: Any) -> int:
    try:
        if isinstance(value, datetime):
            return int(value.timestamp())
        if isinstance(value, str) and value.strip() != value:
            raise ValueError
        found = int(value)
    except (ValueError, OverflowError):
        raise EvalError(f'strconv.ParseInt: parsing "{value}": invalid syntax') from None
    if not -(2**63) <= found < 2**63:
        raise EvalError("integer overflow")
    return found


@function("uint(int) uint", "uint(uint) uint", "uint(double) uint", "uint(string) uint")
def to_uint(value: Any) -> UInt:
    try:
        found = int(value)
    except (ValueError, OverflowError):
        raise EvalError(f'strconv.ParseUint: parsing "{value}": invalid syntax') from None
    if not 0 <= found < 2**64:
        raise EvalError("unsigned integer overflow")
    return UInt(found)


@function("double(int) double", "double(uint) double", "double(double) double", "double(string) double")
def to_double(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise EvalError(f'strconv.ParseFloat: parsing "{value}": invalid syntax') from None


@function("string(string) string", "string(int) string", "string(uint) string", "string(double) string")
@function("string(bool) string", "string(bytes) string", "string(duration) string", "string(timestamp) string")
def to_string(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise EvalError("invalid UTF-8 in bytes, cannot convert to string") from None
    if isinstance(value, datetime):
        return show_timestamp(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    return str(int(value)) if isinstance(value, UInt) else str(value)


@function("bytes(string) bytes", "bytes(bytes) bytes")
def to_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


@function("bool(bool) bool", "bool(string) bool")
def to_bool(value: bool | str) -> bool:
    known = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
    if isinstance(value, bool):
        return value
    if value.lower() not in known:
        raise EvalError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    return known[value.lower()]


@function("dyn(dyn) dyn")
def dyn(value: Any) -> Any:
    return value


@function("type(dyn) type")
def type_of(value: Any) -> TypeValue:
    return TypeValue(type_name(value))


@function("duration(string) duration", "duration(duration) duration", "duration(int) duration")
def duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    return parse_duration(value) if isinstance(value, str) else Duration(value * 10**9)


@function("timestamp(string) timestamp", "timestamp(timestamp) timestamp", "timestamp(int) timestamp")
def timestamp(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    return parse_timestamp(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)


def _zone(name: str) -> Any:
    if name[:1] in "+-" or name[:2].isdigit():
        sign = -1 if name.startswith("-") else 1
        hours, _, minutes = name.lstrip("+-").partition(":")
        return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes or 0)))
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise EvalError(f"unknown time zone {name}") from None


def _parts(name: str, get: Callable[[datetime], int]) -> None:
    def run(at: datetime, zone: str = "UTC") -> int:
        return get(at.astimezone(_zone(zone)))

    function(f"timestamp.{name}() int", f"timestamp.{name}(string) int")(run)


for _name, _get in (
    ("getFullYear", lambda t: t.year),
    ("getMonth", lambda t: t.month - 1),
    ("getDate", lambda t: t.day),
    ("getDayOfMonth", lambda t: t.day - 1),
    ("getDayOfWeek", lambda t: t.isoweekday() % 7),
    ("getDayOfYear", lambda t: t.timetuple().tm_yday - 1),
    ("getHours", lambda t: t.hour),
    ("getMinutes", lambda t: t.minute),
    ("getSeconds", lambda t: t.second),
    ("getMilliseconds", lambda t: t.microsecond // 1000),
):
    _parts(_name, _get)
for _name, _unit in (("getHours", 3600), ("getMinutes", 60), ("getSeconds", 1)):
    function(f"duration.{_name}() int")(lambda d, unit=_unit: int(d.nanos / (unit * 10**9)))
function("duration.getMilliseconds() int")(lambda d: int(d.nanos % 10**9 / 10**6))


# Lists.


def compare(a: Any, b: Any) -> int:
    """-1, 0 or 1. Raises EvalError for what has no order."""
    comparable = (number(a) and number(b)) or (
        type(a) is type(b) and isinstance(a, str | bytes | bool | Duration | datetime)
    )
    if not comparable:
        raise no_overload()
    return int(a > b) - int(a < b)


@function("list.isSorted() bool")
def is_sorted(items: list[Any]) -> bool:
    return all(compare(a, b) <= 0 for a, b in pairwise(items))


@function("list.sum() elem")
def total(items: list[Any]) -> Any:
    if not items:
        return 0
    if isinstance(items[0], Duration):
        return Duration(sum(item.nanos for item in items))
    if not all(number(item) for item in items):
        raise no_overload()
    return sum(items)


def _extreme(items: list[Any], sign: int, name: str) -> Any:
    if not items:
        raise EvalError(f"{name} called on empty list")
    best = items[0]
    for item in items[1:]:
        if compare(item, best) * sign > 0:
            best = item
    return best


function("list.max() elem")(lambda items: _extreme(items, 1, "max"))
function("list.min() elem")(lambda items: _extreme(items, -1, "min"))


@function("list.indexOf(dyn) int")
def index_of(items: list[Any], wanted: Any) -> int:
    return next((at for at, item in enumerate(items) if equal(item, wanted)), -1)


@function("list.lastIndexOf(dyn) int")
def last_index_of(items: list[Any], wanted: Any) -> int:
    return next((at for at in range(len(items) - 1, -1, -1) if equal(items[at], wanted)), -1)


@function("list.slice(int, int) same")
def cut(items: list[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(items):
        raise EvalError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


@function("list.sort() same")
def ordered(items: list[Any]) -> list[Any]:
    return sorted(items, key=cmp_to_key(compare))


@function("list.reverse() same")
def backwards(items: list[Any]) -> list[Any]:
    return items[::-1]


@function("list.distinct() same")
def distinct(items: list[Any]) -> list[Any]:
    out: list[Any] = []
    for item in items:
        if not any(equal(item, held) for held in out):
            out.append(item)
    return out


@function("list.flatten() list", "list.flatten(int) list")
def flatten(items: list[Any], depth: int = 1) -> list[Any]:
    out: list[Any] = []
    for item in items:
        out.extend(flatten(item, depth - 1) if isinstance(item, list) and depth > 0 else [item])
    return out


@function("list.first() opt")
def first(items: list[Any]) -> Opt:
    return Opt.of(items[0]) if items else NONE


@function("list.last() opt")
def last(items: list[Any]) -> Opt:
    return Opt.of(items[-1]) if items else NONE


@function("fn lists.range(int) list:int")
def numbers(count: int) -> list[int]:
    if count > 1_000_000:
        raise EvalError("lists.range: size exceeds limit")
    return list(range(count))


def _holds(items: list[Any], wanted: Any) -> bool:
    return any(equal(item, wanted) for item in items)


@function("fn sets.contains(list, list) bool")
def contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return all(_holds(items, item) for item in wanted)


@function("fn sets.equivalent(list, list) bool")
def equivalent(a: list[Any], b: list[Any]) -> bool:
    return bool(contains_all(a, b)) and bool(contains_all(b, a))


@function("fn sets.intersects(list, list) bool")
def intersects(a: list[Any], b: list[Any]) -> bool:
    return any(_holds(a, item) for item in b)


# Optionals.

function("fn optional.of(dyn) opt")(Opt.of)
function("fn optional.none() opt")(lambda: NONE)
function("opt.hasValue() bool")(lambda opt: opt.present)
function("opt.or(opt) opt")(lambda opt, other: opt if opt.present else other)
function("opt.orValue(dyn) dyn")(lambda opt, other: opt.value if opt.present else other)
function("fn optional.unwrap(list) list")(lambda items: [item.value for item in items if item.present])
function("list.unwrapOpt() list")(lambda items: [item.value for item in items if item.present])


@function("opt.value() dyn")
def value_of(opt: Opt) -> Any:
    if not opt.present:
        raise EvalError("optional.none() dereference")
    return opt.value


@function("fn optional.ofNonZeroValue(dyn) opt")
def of_non_zero(value: Any) -> Opt:
    zero = value is None or value is False or (not isinstance(value, bool) and value in (0, "", b"", [], {}))
    return NONE if zero else Opt.of(value)
