"""How Go prints a float64: the shortest digits that read back the same, in %g's or JSON's choice of notation."""

from __future__ import annotations

from math import inf, isinf, isnan

__all__ = ["digits_of", "format_g", "format_json_float", "format_plain"]


def format_g(value: float) -> str:
    """`strconv.FormatFloat(value, 'g', -1, 64)`: an exponent below 1e-4 and from 1e6 on.

    Go decides as if the precision were 6 when it prints the shortest form, hence `1e+06` and `3.56136738e+08`.
    """
    if -1e6 < value < 1e6:
        if value == int(value):
            return str(int(value)) if value or str(value)[0] != "-" else "-0"
        return repr(value)
    if value in (inf, -inf):
        return "+Inf" if value > 0 else "-Inf"
    if value != value:
        return "NaN"
    return _exponent_form(value)


def _exponent_form(value: float) -> str:
    digits, point = digits_of(abs(value))
    sign = "-" if value < 0 else ""
    exponent = point - 1
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def digits_of(value: float) -> tuple[str, int]:
    """The shortest decimal digits of a positive float, and the place of the point: 0.digits * 10**point."""
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    return stripped.rstrip("0") or "0", point if stripped.rstrip("0") else 1


def format_plain(value: float) -> str:
    """`strconv.FormatFloat(value, 'f', -1, 64)`: never an exponent."""
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if isnan(value):
        return "NaN"
    sign = "-" if str(value)[0] == "-" else ""
    digits, point = digits_of(abs(value))
    if value == 0:
        return sign + "0"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return sign + digits + "0" * (point - len(digits))
    return f"{sign}{digits[:point]}.{digits[point:]}"


def format_json_float(value: float) -> str:
    """encoding/json's float64: plain digits for 1e-6 <= |x| < 1e21, otherwise an exponent without padding.

    The value must be finite: JSON has no word for the others.
    """
    magnitude = abs(value)
    if magnitude < 1e15 and value == int(value):
        return str(int(value)) if value or str(value)[0] != "-" else "-0"
    if magnitude != 0 and (magnitude < 1e-6 or magnitude >= 1e21):
        text = _exponent_form(value)
        return text[:-2] + text[-1] if text[-4:-1] == "e-0" else text
    return format_plain(value)
