"""fmt.Sprintf's verbs, flags, widths, precisions, argument indexes and its marks for misuse.

The pattern is parsed once (and kept) into literal pieces and directives; a directive is then applied to its operand
by kind. What Go does with an operand that does not fit a verb is printed as Go prints it, never raised.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pyhelm.engine.goprint import text_of
from pyhelm.formats.floats import format_g
from pyhelm.formats.gotypes import GoObject, kind_of, type_of
from pyhelm.formats.quoting import can_backquote, quote, quote_rune
from pyhelm.records import dataclass, replace

__all__ = ["format_values"]


@dataclass(frozen=True, slots=True)
class Directive:
    """One `%…` of a pattern; a width or precision of `*` stands as the text `*`, indexes are 1-based."""

    verb: str
    flags: str = ""
    width: int | str | None = None
    precision: int | str | None = None
    indexes: tuple[str | None, str | None, str | None] = (None, None, None)


_DIRECTIVE = re.compile(
    r"%(?P<flags>[-+# 0]*)"
    r"(?:(?P<i0>\[[^\]]*\])?(?P<width>\*|\d+)(?=[^\d])|(?P<w2>\d+)$|)"
    r"(?:\.(?P<i1>\[[^\]]*\](?=\*))?(?P<precision>\*|\d*))?"
    r"(?P<i2>\[[^\]]*\])?(?P<verb>.?)",
    re.S,
)


@lru_cache(maxsize=1024)
def _parse(pattern: str) -> tuple[str | Directive, ...]:
    pieces: list[str | Directive] = []
    at = 0
    while (start := pattern.find("%", at)) >= 0:
        if start > at:
            pieces.append(pattern[at:start])
        found = _DIRECTIVE.match(pattern, start)
        assert found is not None
        pieces.append(_directive(found))
        at = found.end()
    if at < len(pattern):
        pieces.append(pattern[at:])
    return tuple(pieces)


def _directive(found: re.Match[str]) -> Directive:
    width = found["width"] or found["w2"]
    precision = found["precision"]
    return Directive(
        verb=found["verb"],
        flags=found["flags"],
        width=width if width in (None, "*") else int(width),
        precision=precision if precision in (None, "*") else int(precision or 0),
        indexes=(found["i0"], found["i1"], found["i2"]),
    )


class _Operands:
    """The operands with Go's cursor over them."""

    __slots__ = ("at", "bad", "reordered", "values")

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values
        self.at = 0
        self.reordered = False
        self.bad = False

    def seek(self, index: str | None) -> None:
        """Moves to an explicit `[n]`."""
        if index is None:
            return
        self.reordered = True
        inner = index[1:-1]
        if inner.isdecimal() and 1 <= int(inner) <= len(self.values):
            self.at = int(inner) - 1
        else:
            self.bad = True

    def star(self) -> int | None:
        """The next operand as a width or precision; None when it is no int."""
        if self.bad or self.at >= len(self.values):
            return None
        value = self.values[self.at]
        self.at += 1
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 1_000_000
        return int(value) if fits else None


def format_values(pattern: str, values: tuple[Any, ...]) -> str:
    """`fmt.Sprintf(pattern, values...)`."""
    operands = _Operands(values)
    out = [piece if isinstance(piece, str) else _apply(piece, operands) for piece in _parse(pattern)]
    if not operands.reordered and operands.at < len(values):
        rest = [f"{type_of(v)}={text_of(v)}" if v is not None else "<nil>" for v in values[operands.at :]]
        out.append(f"%!(EXTRA {', '.join(rest)})")
    return "".join(out)


def _apply(given: Directive, operands: _Operands) -> str:
    prefix = ""
    operands.bad = False
    operands.seek(given.indexes[0])
    directive = given
    if given.width == "*":
        width = operands.star()
        prefix += "" if width is not None else "%!(BADWIDTH)"
        flags = given.flags + "-" if (width or 0) < 0 else given.flags
        directive = replace(directive, width=abs(width) if width is not None else None, flags=flags)
    operands.seek(given.indexes[1])
    if given.precision == "*":
        precision = operands.star()
        good = precision is not None and precision >= 0
        prefix += "" if precision is not None else "%!(BADPREC)"
        directive = replace(directive, precision=precision if good else None)
    operands.seek(given.indexes[2])
    return prefix + _operand(directive, operands)


def _operand(directive: Directive, operands: _Operands) -> str:
    verb = directive.verb
    if not verb:
        return "%!(NOVERB)"
    if verb == "%":
        return "%"
    if operands.bad:
        return f"%!{verb}(BADINDEX)"
    if operands.at >= len(operands.values):
        return f"%!{verb}(MISSING)"
    value = operands.values[operands.at]
    operands.at += 1
    return _format(directive, value, 0)


def _format(directive: Directive, value: Any, depth: int) -> str:
    verb = directive.verb
    if value is None:
        return _format_nil(directive, depth)
    if verb == "T":
        return _pad(directive, type_of(value)) if depth == 0 else type_of(value)
    if isinstance(value, GoObject):
        return _format_object(directive, value, depth)
    writer = _WRITERS.get(kind_of(value), _format_other)
    text = writer(directive, value, depth)
    return text if text is not None else _misfit(directive, value)


def _misfit(directive: Directive, value: Any) -> str:
    inner = _format(Directive("v"), value, 1)
    return f"%!{directive.verb}({type_of(value)}={inner})"


def _format_nil(directive: Directive, depth: int) -> str:
    if directive.verb in "vT":
        if depth and "#" in directive.flags:
            return "interface {}(nil)"
        return _pad(directive, "<nil>")
    return f"%!{directive.verb}(<nil>)"


def _pad(directive: Directive, text: str, zeros: bool = False) -> str:
    width = directive.width
    if not isinstance(width, int) or len(text) >= width:
        return text
    if "-" in directive.flags:
        return text + " " * (width - len(text))
    return ("0" if zeros and "0" in directive.flags else " ") * (width - len(text)) + text


def _format_bool(directive: Directive, value: bool, depth: int) -> str | None:
    return _pad(directive, "true" if value else "false") if directive.verb in "vt" else None


_BASES = {"b": "b", "o": "o", "O": "o", "x": "x", "X": "X", "d": "d", "v": "d"}
_SHARP = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}


def _format_int(directive: Directive, value: int, depth: int) -> str | None:
    verb = directive.verb
    if verb in _BASES:
        return _integer(directive, value)
    if verb == "c":
        return _pad(directive, _rune(value))
    if verb == "q":
        return _pad(directive, quote_rune(_rune(value), "+" in directive.flags))
    if verb == "U":
        shown = f" '{_rune(value)}'" if "#" in directive.flags else ""
        return _pad(directive, f"U+{value:04X}{shown}")
    return None


def _rune(value: int) -> str:
    valid = 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF
    return chr(value) if valid else "\ufffd"


def _integer(directive: Directive, value: int) -> str:
    verb, flags = directive.verb, directive.flags
    digits = format(abs(int(value)), _BASES[verb])
    precision = directive.precision
    if isinstance(precision, int):
        digits = "" if precision == 0 and value == 0 else digits.rjust(precision, "0")
    sign = "-" if value < 0 else "+" if "+" in flags and verb != "v" else " " if " " in flags else ""
    if verb == "v" and "+" in flags and value >= 0:
        sign = ""
    mark = "0o" if verb == "O" else ""
    if "#" in flags and verb in _SHARP and not (verb == "o" and digits.startswith("0")):
        mark = _SHARP[verb]
    width = directive.width
    if "0" in flags and "-" not in flags and isinstance(width, int) and precision is None:
        digits = digits.rjust(width - len(sign), "0")
    return _pad(directive, sign + mark + digits)


def _format_float(directive: Directive, value: float, depth: int) -> str | None:
    verb = directive.verb
    if verb not in "vgGeEfFxXb":
        return None
    text = _float_digits(directive, value)
    flags = directive.flags
    if text[0] not in "+-":
        text = "+" + text
    finite = text[1:2].isdigit()
    shown_plus = "+" in flags and verb != "v"
    if text[0] == "+" and not shown_plus:
        keep = text == "+Inf" and verb == "v"
        text = " " + text[1:] if " " in flags else text if keep else text[1:]
        if text == "Inf":
            text = "+Inf"
    width = directive.width
    if "0" in flags and "-" not in flags and finite and isinstance(width, int) and len(text) < width:
        sign = text[0] if text[0] in "+- " else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return _pad(directive, text)


def _float_digits(directive: Directive, value: float) -> str:
    verb, precision = directive.verb, directive.precision
    if value != value or value in (float("inf"), float("-inf")):
        return format_g(value)
    if verb == "v" and "#" in directive.flags:
        return format_g(value)
    if verb in "xX":
        return _hexadecimal(value, verb)
    sharp = "#" if "#" in directive.flags else ""
    if verb in "vgG":
        if precision is None:
            text = format_g(value) if not sharp else f"{value:#g}"
        else:
            text = f"%{sharp}.{precision or 1}g" % value
        return text.upper() if verb == "G" else text
    return f"%{sharp}.{6 if precision is None else precision}{verb}" % value


def _hexadecimal(value: float, verb: str) -> str:
    mantissa, _, exponent = value.hex().partition("p")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    number = int(exponent)
    text = f"{mantissa}p{'-' if number < 0 else '+'}{abs(number):02d}"
    return text.upper() if verb == "X" else text


def _format_text(directive: Directive, value: str, depth: int) -> str | None:
    verb, flags = directive.verb, directive.flags
    if verb == "v" and "#" in flags:
        return _pad(directive, quote(value))
    if verb not in "vsqxX":
        return None
    if isinstance(directive.precision, int):
        value = value[: directive.precision]
    if verb in "vs":
        return _pad(directive, value, zeros=True)
    if verb == "q":
        return _pad(directive, f"`{value}`" if "#" in flags and can_backquote(value) else quote(value, "+" in flags))
    return _pad(directive, _hex_bytes(directive, value.encode("utf-8", "surrogateescape")))


def _hex_bytes(directive: Directive, data: bytes) -> str:
    mark = "0x" if "#" in directive.flags else ""
    if " " in directive.flags:
        text = " ".join([f"{mark}{byte:02x}" for byte in data])
    else:
        text = (mark if data else "") + data.hex()
    return text.upper() if directive.verb == "X" else text


def _format_bytes(directive: Directive, value: bytes, depth: int) -> str | None:
    verb = directive.verb
    if verb in "sqxX":
        return _format_text(directive, value.decode("utf-8", "surrogateescape"), depth)
    if verb == "v" and "#" in directive.flags:
        return "[]byte{" + ", ".join([f"0x{byte:x}" for byte in value]) + "}"
    plain = Directive("d", directive.flags, directive.width)
    return "[" + " ".join([_integer(plain, byte) for byte in value]) + "]"


def _format_list(directive: Directive, value: list[Any], depth: int) -> str | None:
    if isinstance(value, bytes):
        return _format_bytes(directive, value, depth)
    if directive.verb == "v" and "#" in directive.flags:
        return type_of(value) + "{" + ", ".join([_format(directive, item, depth + 1) for item in value]) + "}"
    return "[" + " ".join([_format(directive, item, depth + 1) for item in value]) + "]"


def _format_map(directive: Directive, value: dict[Any, Any], depth: int) -> str | None:
    items = [(key, value[key]) for key in sorted(value)]
    shown = [f"{_format(directive, k, depth + 1)}:{_format(directive, v, depth + 1)}" for k, v in items]
    if directive.verb == "v" and "#" in directive.flags:
        return type_of(value) + "{" + ", ".join(shown) + "}"
    return "map[" + " ".join(shown) + "]"


def _format_object(directive: Directive, value: GoObject, depth: int) -> str:
    text = value.go_string() if not value.go_string_by_address else None
    if text is not None and directive.verb in "vsxXq" and "#" not in directive.flags:
        formatted = _format_text(directive, text, depth)
        return formatted if formatted is not None else text
    fields = value.go_fields()
    if directive.verb == "v" and "#" in directive.flags:
        inner = ", ".join([f"{k}:{_format(directive, v, depth + 1)}" for k, v in fields.items()])
        return f"{value.go_type}{{{inner}}}"
    named = directive.verb == "v" and "+" in directive.flags
    if named:
        inner = " ".join([f"{name}:{_format(directive, item, depth + 1)}" for name, item in fields.items()])
    else:
        inner = " ".join([_format(directive, item, depth + 1) for item in value.go_printed()])
    return ("&" if value.go_kind == "ptr" else "") + "{" + inner + "}"


def _format_other(directive: Directive, value: Any, depth: int) -> str | None:
    return _pad(directive, text_of(value)) if directive.verb == "v" else None


_WRITERS: dict[str, Any] = {
    "bool": _format_bool,
    "int": _format_int,
    "int64": _format_int,
    "uint64": _format_int,
    "float64": _format_float,
    "string": _format_text,
    "slice": _format_list,
    "map": _format_map,
}
