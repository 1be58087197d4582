"""Go's fmt as templates see it: what an action prints, print, println, and the door to printf.

Knows values only. The verbs with their flags stand in `goformat`, which is imported when a template uses printf on
more than the plain cases.
"""

from __future__ import annotations

from typing import Any

from pyhelm.formats.floats import format_g
from pyhelm.formats.gotypes import GoInt, GoObject, kind_of, type_of
from pyhelm.formats.quoting import quote

__all__ = ["GoInt", "GoObject", "kind_of", "quote", "sprint", "sprintf", "sprintln", "text_of", "to_text", "type_of"]


def to_text(value: Any) -> str:
    """What an action prints: `%v`, but `<no value>` for nil."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if value is None:
        return "<no value>"
    if isinstance(value, GoObject):
        return _object(value, value.go_string())
    return text_of(value)


def text_of(value: Any) -> str:
    """`%v`: numbers in %g, lists `[a b]`, maps `map[k:v]` with sorted keys, nil as `<nil>`."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is float:
        return format_g(value)
    if value is None:
        return "<nil>"
    if kind is bool:
        return "true" if value else "false"
    return _compound(value)


def _compound(value: Any) -> str:
    if isinstance(value, GoObject):
        return _object(value, None if value.go_string_by_address else value.go_string())
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, dict):
        return "map[" + " ".join([f"{text_of(k)}:{text_of(value[k])}" for k in sorted(value)]) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join([text_of(item) for item in value]) + "]"
    if isinstance(value, bytes):
        return "[" + " ".join([str(byte) for byte in value]) + "]"
    if isinstance(value, complex):
        return f"({format_g(value.real)}{'+' if value.imag >= 0 else ''}{format_g(value.imag)}i)"
    return str(value)


def _object(value: GoObject, text: str | None) -> str:
    if text is not None:
        return text
    mark = "&" if value.go_kind == "ptr" else ""
    return mark + "{" + " ".join([text_of(item) for item in value.go_printed()]) + "}"


def sprint(*values: Any) -> str:
    """`fmt.Sprint`: a space between two operands when neither is a string."""
    if len(values) == 1:
        return text_of(values[0])
    out: list[str] = []
    before_is_text = True
    for place, value in enumerate(values):
        is_text = isinstance(value, str)
        if place and not is_text and not before_is_text:
            out.append(" ")
        out.append(text_of(value))
        before_is_text = is_text
    return "".join(out)


def sprintln(*values: Any) -> str:
    """`fmt.Sprintln`: spaces between all operands and a newline at the end."""
    return " ".join([text_of(value) for value in values]) + "\n"


def sprintf(pattern: str, *values: Any) -> str:
    """`fmt.Sprintf`, with Go's `%!d(string=x)` marks for whatever does not fit."""
    if pattern.count("%") == len(values) == pattern.count("%s") and all(type(v) is str for v in values):
        return pattern % values
    from pyhelm.engine.goformat import format_values

    return format_values(pattern, values)
