"""Resource quantities: `100m`, `1Gi`, `2e3`. Exact integers of nano units, and Kubernetes' canonical spelling.

A quantity keeps the notation it was written in (binary, decimal, exponent) and prints in its canonical form, so
`0.5` becomes `500m` and `1024Mi` becomes `1Gi`. Values finer than a nano are rounded up, away from zero.
"""

from __future__ import annotations

import re
from functools import lru_cache

from cluster.meta import decimals

NANO = 10**9
BINARY = "BinarySI"
DECIMAL = "DecimalSI"
EXPONENT = "DecimalExponent"
_MAX = (2**63 - 1) * NANO

_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_NUMERIC = "unable to parse numeric part of quantity"
_SUFFIX = "unable to parse quantity's suffix"

_shape = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII).fullmatch
_exponent = re.compile(r"[eE]([-+]?[0-9]+)", re.ASCII).fullmatch
_DECIMAL_SUFFIX = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_SUFFIX = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_NAME = {power: name for name, power in _DECIMAL_SUFFIX.items()}
_BINARY_NAME = {power: name for name, power in _BINARY_SUFFIX.items()} | {0: ""}
_EXPONENT_LIMIT = 10_000
_EXACT = 500
"""Digits that are read as they are; nothing is kept beyond 19 before the point and 9 after it."""
"""Beyond this a number could no longer be held; Kubernetes fails there too, though later."""


class QuantityError(ValueError):
    """The text is no quantity; the message is the API server's."""


class Quantity:
    """A value in nano units with its notation. Compares and adds exactly; immutable."""

    __slots__ = ("_text", "format", "nanos")

    def __init__(self, nanos: int, notation: str = DECIMAL, text: str = "") -> None:
        self.nanos = nanos
        self.format = notation
        self._text = text

    @classmethod
    def parse(cls, text: str | int | float) -> Quantity:
        """Read a quantity as manifests hold it (a string, or a bare number). Raises QuantityError."""
        return _parse(text if isinstance(text, str) else _number_text(text))

    def value(self) -> int:
        """Whole units, rounded up."""
        return _up(self.nanos, NANO)

    def milli_value(self) -> int:
        """Thousandths, rounded up: what CPU is counted in."""
        return _up(self.nanos, NANO // 1000)

    def __float__(self) -> float:
        return self.nanos / NANO

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos + other.nanos, other.format if self.nanos == 0 else self.format)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos - other.nanos, other.format if self.nanos == 0 else self.format)

    def __neg__(self) -> Quantity:
        return Quantity(-self.nanos, self.format)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nanos == other.nanos

    def __lt__(self, other: Quantity) -> bool:
        return self.nanos < other.nanos

    def __le__(self, other: Quantity) -> bool:
        return self.nanos <= other.nanos

    def __gt__(self, other: Quantity) -> bool:
        return self.nanos > other.nanos

    def __ge__(self, other: Quantity) -> bool:
        return self.nanos >= other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __bool__(self) -> bool:
        return self.nanos != 0

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def __str__(self) -> str:
        """The canonical form; spellings that Kubernetes takes for canonical already (`+1`, `01`, `1.`) stay."""
        if self._text:
            return self._text
        if self.nanos == 0:
            return "0"
        small = -1024 * NANO < self.nanos < 1024 * NANO
        if self.format == BINARY and not small and self.nanos % NANO == 0:
            return _binary_text(self.nanos // NANO)
        return _decimal_text(self.nanos, EXPONENT if self.format == EXPONENT else DECIMAL)


def canonical(text: str | int | float) -> str:
    """The canonical spelling of a quantity. Raises QuantityError."""
    return _canonical_text(text) if isinstance(text, str) else str(Quantity.parse(text))


@lru_cache(maxsize=2048)
def _canonical_text(text: str) -> str:
    return str(_parse(text))


@lru_cache(maxsize=2048)
def _parse(text: str) -> Quantity:
    text = text.strip()
    shape = _shape(text) if text else None
    if shape is None:
        raise QuantityError(_WRONG)
    sign, whole, fraction, suffix = shape.groups()
    base, power, notation = _interpret(suffix)
    digits = whole + (fraction or "")
    if not digits and not (not suffix and fraction is None):
        raise QuantityError(_NUMERIC)
    if len(digits) > _EXACT:
        # Far beyond what is kept: of the whole part its size matters, of the fraction whether there is anything.
        whole = whole if len(whole.lstrip("0")) <= _EXACT else "9" * _EXACT
        fraction = (fraction or "")[:_EXACT] + ("1" if (fraction or "")[_EXACT:].strip("0") else "")
        digits = whole.lstrip("0") + fraction
    amount = _scale(int(digits or "0"), len(fraction or ""), base, power)
    if notation == BINARY:
        amount = min(amount, _MAX)
        if 0 < amount < NANO:
            notation = DECIMAL
    kept = text if _spelling_stays(whole.lstrip("0") or "0", fraction or "", power, notation) else ""
    return Quantity(-amount if sign == "-" else amount, notation, kept)


def _spelling_stays(whole: str, fraction: str, power: int, notation: str) -> bool:
    """Kubernetes reuses the text when a quick look says it is canonical, and the look is not exact."""
    digits = whole + fraction
    if notation == BINARY:
        fits = not fraction and 15 - len(whole) - power * 3 // 10 - 1 >= 0
        return fits and power % 10 == 0 and int(whole) & 7 != 0
    scale = power - len(fraction)
    if len(digits) > 18 or scale < -9:
        return False
    return scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def _interpret(suffix: str) -> tuple[int, int, str]:
    """(base, power, notation) of a suffix."""
    if suffix in _DECIMAL_SUFFIX:
        return 10, _DECIMAL_SUFFIX[suffix], DECIMAL
    if suffix in _BINARY_SUFFIX:
        return 2, _BINARY_SUFFIX[suffix], BINARY
    found = _exponent(suffix)
    if found is None or abs(decimals.whole(found[1])) > _EXPONENT_LIMIT:
        raise QuantityError(_SUFFIX)
    return 10, int(found[1]), EXPONENT


def _scale(digits: int, places: int, base: int, power: int) -> int:
    """digits / 10**places * base**power in nanos, rounded up."""
    if base == 2:
        return _up(digits * 2**power * NANO, 10**places)
    shift = power - places + 9
    return digits * 10**shift if shift >= 0 else _up(digits, 10**-shift)


def _up(value: int, unit: int) -> int:
    """value / unit, rounded away from zero."""
    return -(-value // unit) if value >= 0 else value // unit


def _decimal_text(nanos: int, notation: str) -> str:
    power = -9
    while nanos % 1000 == 0 and (notation == EXPONENT or power < 18):
        nanos //= 1000
        power += 3
    if notation == EXPONENT:
        return f"{nanos}e{power}" if power else str(nanos)
    return f"{nanos}{_DECIMAL_NAME[power]}"


def _binary_text(units: int) -> str:
    power = 0
    while units % 1024 == 0 and power < 60:
        units //= 1024
        power += 10
    return f"{units}{_BINARY_NAME[power]}"


def _number_text(value: int | float) -> str:
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text
