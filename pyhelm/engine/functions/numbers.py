"""Arithmetic on whatever a chart hands in: everything is cast first, and what cannot be cast counts as zero."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.engine.goprint import sprint
from pyhelm.formats.gotypes import GoInt, IntList

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = [
    "add", "add1", "add1f", "addf", "atoi", "cast_float", "cast_int", "ceil", "div", "divf", "floor", "max_", "maxf",
    "min_", "minf", "mod", "mul", "mulf", "round_", "seq", "sub", "subf", "to_decimal", "to_float64", "to_int",
    "to_int64", "until", "until_step",
]  # fmt: skip

_MASK = (1 << 64) - 1
_LOWEST = -(1 << 63)
_INT = r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)\Z"
_DIGITS = r"[0-9](?:_?[0-9])*"
_FLOAT = rf"[+-]?(?:(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?|(?i:inf(?:inity)?|nan))\Z"
_ZERO_FRACTION = r"\.0+\Z"


def _wrap(value: int) -> int:
    """Two's complement, as int64 overflows."""
    if -(1 << 63) <= value < 1 << 63:
        return value
    value &= _MASK
    return value - (1 << 64) if value >> 63 else value


def cast_int(value: Any) -> int:
    """cast.ToInt64: floats are cut, text is read with Go's base prefixes, nil and failures are 0."""
    if isinstance(value, int):
        return int(value)
    if type(value) is float:
        if value - value != 0 or not -(2.0**63) <= value < 2.0**63:
            return _LOWEST
        return int(value)
    return _text_to_int(value) if isinstance(value, str) else 0


def _text_to_int(text: str) -> int:
    text = re.sub(_ZERO_FRACTION, "", text) if "." in text else text
    if not re.match(_INT, text):
        return 0
    plain = text.replace("_", "")
    sign = -1 if plain[0] == "-" else 1
    digits = plain.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    number = sign * (int(digits, 8) if octal else int(digits, 0))
    return number if -(1 << 63) <= number < 1 << 63 else 0


def cast_float(value: Any) -> float:
    """cast.ToFloat64: nil and failures are 0."""
    if type(value) is float:
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, str) and re.match(_FLOAT, value):
        number = float(value)
        return 0.0 if math.isinf(number) and "n" not in value.lower() else number
    return 0.0


def to_int(value: Any) -> int:
    """As Go's int."""
    return GoInt(cast_int(value))


def to_int64(value: Any) -> int:
    """As int64."""
    return cast_int(value)


def to_float64(value: Any) -> float:
    """As float64."""
    return cast_float(value)


def to_decimal(value: Any) -> int:
    """The text of the value read as an octal number."""
    text = sprint(value)
    if not re.fullmatch(r"[+-]?[0-7]+", text):
        return 0
    number = int(text, 8)
    return number if -(1 << 63) <= number < 1 << 63 else 0


def atoi(text: str) -> int:
    """strconv.Atoi; failures are 0."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return GoInt(0)
    number = int(text)
    if number >= 1 << 63:
        return GoInt((1 << 63) - 1)
    return GoInt(max(number, _LOWEST))


def add(*values: Any) -> int:
    """The sum, as int64."""
    return _wrap(sum([cast_int(value) for value in values]))


def add1(value: Any) -> int:
    """One more."""
    return _wrap(cast_int(value) + 1)


def sub(one: Any, two: Any) -> int:
    """The difference."""
    return _wrap(cast_int(one) - cast_int(two))


def mul(first: Any, *rest: Any) -> int:
    """The product."""
    out = cast_int(first)
    for value in rest:
        out = _wrap(out * cast_int(value))
    return out


def _divisor(value: Any) -> int:
    number = cast_int(value)
    if number == 0:
        raise GoCallError("runtime error: integer divide by zero")
    return number


def div(one: Any, two: Any) -> int:
    """The quotient, cut towards zero."""
    dividend, divisor = cast_int(one), _divisor(two)
    quotient = abs(dividend) // abs(divisor)
    return _wrap(quotient if (dividend < 0) == (divisor < 0) else -quotient)


def mod(one: Any, two: Any) -> int:
    """The remainder, with the sign of the dividend."""
    dividend, divisor = cast_int(one), _divisor(two)
    remainder = abs(dividend) % abs(divisor)
    return -remainder if dividend < 0 else remainder


def max_(first: Any, *rest: Any) -> int:
    """The greatest, as int64."""
    return max([cast_int(value) for value in (first, *rest)])


def min_(first: Any, *rest: Any) -> int:
    """The least, as int64."""
    return min([cast_int(value) for value in (first, *rest)])


def maxf(first: Any, *rest: Any) -> float:
    """The greatest; nan wins."""
    return _extreme((first, *rest), max)


def minf(first: Any, *rest: Any) -> float:
    """The least; nan wins."""
    return _extreme((first, *rest), min)


def _extreme(values: tuple[Any, ...], choose: Any) -> float:
    numbers = [cast_float(value) for value in values]
    return math.nan if any(math.isnan(number) for number in numbers) else float(choose(numbers))


def _decimals(values: tuple[Any, ...]) -> list[Decimal]:
    """Each float as the decimal its shortest digits spell; `decimal` is imported by the few charts that need it."""
    from decimal import Decimal

    out = []
    for value in values:
        number = cast_float(value)
        if math.isnan(number) or math.isinf(number):
            shown = "NaN" if math.isnan(number) else f"{'+' if number > 0 else '-'}Inf"
            raise GoCallError(f"Cannot create a Decimal from {shown}")
        out.append(Decimal(repr(number)))
    return out


def addf(*values: Any) -> float:
    """The exact decimal sum."""
    from decimal import Decimal, localcontext

    numbers = _decimals(values)
    with localcontext() as context:
        context.prec = 2000
        return float(sum(numbers, Decimal(0))) + 0.0


def add1f(value: Any) -> float:
    """One more."""
    return addf(value, 1.0)


def subf(first: Any, *rest: Any) -> float:
    """The exact decimal difference."""
    from decimal import Decimal, localcontext

    numbers = _decimals((first, *rest))
    with localcontext() as context:
        context.prec = 2000
        return float(numbers[0] - sum(numbers[1:], Decimal(0))) + 0.0


def mulf(first: Any, *rest: Any) -> float:
    """The exact decimal product."""
    from decimal import localcontext

    numbers = _decimals((first, *rest))
    with localcontext() as context:
        context.prec = 4000
        out = numbers[0]
        for number in numbers[1:]:
            out *= number
        return float(out) + 0.0


def divf(first: Any, *rest: Any) -> float:
    """The quotient, rounded to sixteen places after the point at every step."""
    from decimal import Decimal, localcontext

    numbers = _decimals((first, *rest))
    with localcontext() as context:
        context.prec = 2000
        context.rounding = "ROUND_HALF_UP"
        out = numbers[0]
        for number in numbers[1:]:
            if number == 0:
                raise GoCallError("decimal division by 0")
            out = (out / number).quantize(Decimal("1e-16"))
        return float(out) + 0.0


def ceil(value: Any) -> float:
    """The next whole number above, still a float."""
    number = cast_float(value)
    return float(math.ceil(number)) if math.isfinite(number) else number


def floor(value: Any) -> float:
    """The next whole number below, still a float."""
    number = cast_float(value)
    return float(math.floor(number)) if math.isfinite(number) else number


def round_(value: Any, places: int, *options: float) -> float:
    """Rounded to `places`; from `options[0]` (0.5) of a unit on upwards."""
    number = cast_float(value)
    try:
        power = float(10.0**places)
    except OverflowError:
        power = math.inf
    digit = power * number
    if not math.isfinite(digit) or power == 0:
        return digit / power if power else math.nan
    fraction = math.modf(digit)[0]
    whole = math.ceil(digit) if fraction >= (options[0] if options else 0.5) else math.floor(digit)
    return math.copysign(float(whole), digit) / power if whole == 0 else float(whole) / power


def until_step(start: int, stop: int, step: int) -> list[int]:
    """The numbers from `start` to before `stop`."""
    if (stop < start and step >= 0) or (stop >= start and step <= 0):
        return IntList()
    return IntList([GoInt(number) for number in range(start, stop, step)])


def until(count: int) -> list[int]:
    """0 to before `count`, downwards for a negative count."""
    return until_step(0, count, -1 if count < 0 else 1)


def seq(*numbers: int) -> str:
    """Numbers as bash's seq writes them: end; start end; start step end."""
    if len(numbers) == 1:
        numbers = (1, 1, numbers[0]) if numbers[0] >= 1 else (1, -1, numbers[0])
    elif len(numbers) == 2:
        numbers = (numbers[0], 1 if numbers[1] >= numbers[0] else -1, numbers[1])
    if len(numbers) != 3:
        return ""
    start, step, end = numbers
    if end < start and step > 0:
        return ""
    stop = end - 1 if end < start else end + 1
    return " ".join([str(int(number)) for number in until_step(start, stop, step)])
