"""Constants of Go templates: numbers, characters and quoted strings, as strconv reads them."""

from __future__ import annotations

import re

from pyhelm.engine.gotpl.syntax import Number, go_quote

__all__ = ["ConstantError", "number", "unquote"]


class ConstantError(ValueError):
    """A constant that Go refuses, with Go's words."""


_ESCAPE = re.compile(r"""\\([abfnrtv\\'"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})""")
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}
_UNDERSCORES = re.compile(r"(?:0[xXoObB]_?|(?=[0-9]))[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*$")
_DECIMAL = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$")
_HEXADECIMAL = re.compile(r"0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+$")


def unquote(text: str) -> str:
    """The value of a string constant in double quotes or back quotes; bytes outside UTF-8 as surrogate escapes."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "")
    body = text[1:-1]
    if "\\" not in body:
        return body
    return _unescaped(body, "'")


def _unescaped(body: str, forbidden: str) -> str:
    out: list[bytes] = []
    position = 0
    while position < len(body):
        stop = body.find("\\", position)
        if stop < 0:
            stop = len(body)
        out.append(body[position:stop].encode("utf-8", "surrogateescape"))
        position = stop
        if position < len(body):
            value, position = _escape(body, position, forbidden)
            out.append(value)
    return b"".join(out).decode("utf-8", "surrogateescape")


def _escape(body: str, position: int, forbidden: str) -> tuple[bytes, int]:
    found = _ESCAPE.match(body, position)
    if found is None or found.group(1) == forbidden:
        raise ConstantError("invalid syntax")
    word = found.group(1)
    if word in _SIMPLE:
        return _SIMPLE[word].encode(), found.end()
    code = int(word, 8) if word[0] in "01234567" else int(word[1:], 16)
    if word[0] in "uU":
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise ConstantError("invalid syntax")
        return chr(code).encode(), found.end()
    if code > 255:
        raise ConstantError("invalid syntax")
    return bytes([code]), found.end()


def number(position: int, text: str, kind: str) -> Number:
    """The constant `text`, a token of kind number, char or complex."""
    if kind == "char":
        return _character(position, text)
    if kind == "complex" or text.endswith("i"):
        return _imaginary(position, text)
    integer = _integer(text)
    signed = integer if integer is not None and -(2**63) <= integer < 2**63 else None
    unsigned = integer if integer is not None and text[0] not in "+-" and integer < 2**64 else None
    if signed == 0:
        unsigned = 0
    if signed is not None or unsigned is not None:
        value = signed if signed is not None else unsigned
        return Number(position, text, signed, unsigned, float(value or 0))
    return _real(position, text)


def _real(position: int, text: str) -> Number:
    value = _float(text)
    if value is None:
        raise ConstantError(f"illegal number syntax: {go_quote(text)}")
    if not set(text) & set(".eEpP"):
        raise ConstantError(f"integer overflow: {go_quote(text)}")
    whole = value.is_integer()
    signed = int(value) if whole and -(2.0**63) <= value < 2.0**63 else None
    unsigned = int(value) if whole and 0 <= value < 2.0**64 else None
    return Number(position, text, signed, unsigned, value)


def _imaginary(position: int, text: str) -> Number:
    try:
        value = complex(text.replace("i", "j").replace("_", ""))
    except ValueError:
        raise ConstantError(f"illegal number syntax: {go_quote(text)}") from None
    return Number(position, text, None, None, None, value)


def _character(position: int, text: str) -> Number:
    body = text[1:-1]
    if body == "":
        raise ConstantError("invalid syntax")
    if body[0] == "\\":
        found = _ESCAPE.match(body)
        if found is None or found.group(1) == '"':
            raise ConstantError("invalid syntax")
        value = _unescaped(found.group(), '"')
        code = ord(value[0]) if len(value) == 1 and ord(value[0]) < 0xDC80 else ord(value[0]) - 0xDC00
        rest = body[found.end() :]
    else:
        code, rest = ord(body[0]), body[1:]
    if rest:
        raise ConstantError(f"malformed character constant: {text}")
    return Number(position, text, code, code, float(code))


def _integer(text: str) -> int | None:
    sign = -1 if text[0] == "-" else 1
    digits = text[1:] if text[0] in "+-" else text
    if not digits or ("_" in digits and not _UNDERSCORES.match(digits)):
        return None
    plain = digits.replace("_", "")
    try:
        if plain[:2].lower() in ("0x", "0o", "0b"):
            return sign * int(plain, 0)
        if len(plain) > 1 and plain[0] == "0":
            return sign * int(plain, 8)
        return sign * int(plain) if plain.isdecimal() else None
    except ValueError:
        return None


def _float(text: str) -> float | None:
    digits = text.lstrip("+-")
    try:
        if _DECIMAL.match(digits):
            value = float(text)
        elif _HEXADECIMAL.match(digits):
            value = float.fromhex(text)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return None if value in (float("inf"), float("-inf")) else value
