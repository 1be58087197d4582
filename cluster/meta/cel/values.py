"""What expressions compute with, beyond Python's own: unsigned numbers, durations, optionals, types; and equality.

int, float, str, bytes, bool, None, list and dict stand for themselves; timestamps are aware datetimes in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.meta.decimals import fraction, whole


class EvalError(Exception):
    """Evaluation went wrong; the message is cel-go's."""


class BudgetExceeded(EvalError):
    """The expression has cost more than it may."""


def no_overload() -> EvalError:
    return EvalError("no such overload")


class Budget:
    """What may still be spent. One evaluation step costs about one."""

    __slots__ = ("left",)

    def __init__(self, left: int = 1_000_000) -> None:
        self.left = left

    def spend(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise BudgetExceeded("operation cancelled: actual cost limit exceeded")


class UInt(int):
    """An unsigned number."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    nanos: int

    def __str__(self) -> str:
        return f"{_trimmed(self.nanos)}s"


def _trimmed(nanos: int) -> str:
    sign = "-" if nanos < 0 else ""
    whole, rest = divmod(abs(nanos), 10**9)
    return f"{sign}{whole}" + (f".{rest:09d}".rstrip("0") if rest else "")


_UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")


def parse_duration(text: str) -> Duration:
    """`1h30m`, as Go writes it. Raises EvalError."""
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return Duration(0)
    total, at = 0, 0
    for found in _PART.finditer(body):
        if found.start() != at:
            break
        before, _, after = found.group(1).partition(".")
        unit = _UNITS[found.group(2)]
        part, scale = fraction(after)
        total += whole(before or "0") * unit + part * unit // scale
        at = found.end()
    if not body or at != len(body):
        raise EvalError(f'time: invalid duration "{text}"')
    return Duration(-total if text.startswith("-") else total)


_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def parse_timestamp(text: str) -> datetime:
    """RFC 3339, to the microsecond. Raises EvalError."""
    found = _STAMP.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        zone = "+00:00" if found[4] in "Zz" else found[4]
        fraction = f"{(found[3] or '.0')[1:7]:0<6}"
        return datetime.fromisoformat(f"{found[1]}T{found[2]}.{fraction}{zone}").astimezone(UTC)
    except ValueError:
        raise EvalError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse') from None


def show_timestamp(at: datetime) -> str:
    text = at.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return text + (f".{at.microsecond:06d}".rstrip("0") if at.microsecond else "") + "Z"


def later(at: datetime, duration: Duration) -> datetime:
    try:
        return at + timedelta(microseconds=duration.nanos / 1000)
    except OverflowError:
        raise EvalError("timestamp overflow") from None


@dataclass(frozen=True, slots=True)
class Opt:
    """An optional value."""

    value: Any = None
    present: bool = False

    @classmethod
    def of(cls, value: Any) -> Opt:
        return cls(value, True)


NONE = Opt()


@dataclass(frozen=True, slots=True)
class TypeValue:
    """What type(x) gives."""

    name: str


class Made(dict[str, Any]):
    """A message made by an expression: JSONPatch{…}, Object{…}."""

    __slots__ = ("type",)

    def __init__(self, type: str) -> None:
        super().__init__()
        self.type = type


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(a: Any, b: Any) -> bool:
    """CEL's ==: values of different types differ, numbers compare by value."""
    if number(a) and number(b):
        return bool(a == b)
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return len(a) == len(b) and all(key in b and equal(value, b[key]) for key, value in a.items())
    if isinstance(a, Opt) and isinstance(b, Opt):
        return a.present == b.present and (not a.present or equal(a.value, b.value))
    return type(a) is type(b) and bool(a == b)


def type_name(value: Any) -> str:
    """The name of the type of a value."""
    for kind, name in _NAMES:
        if isinstance(value, kind):
            return name
    return "null_type" if value is None else str(getattr(value, "cel_type", "dyn"))


_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (UInt, "uint"),
    (int, "int"),
    (float, "double"),
    (str, "string"),
    (bytes, "bytes"),
    (list, "list"),
    (dict, "map"),
    (Duration, "google.protobuf.Duration"),
    (datetime, "google.protobuf.Timestamp"),
    (Opt, "optional_type"),
    (TypeValue, "type"),
)
