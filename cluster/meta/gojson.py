"""JSON text in, with the faults told as Go's encoding/json tells them.

orjson reads the text; only when it refuses, or when keys may be doubled, a slower second look finds the words.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from cluster.meta.decimals import whole

_key_like = re.compile(rb'"[ \t\r\n]*:')
_number = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SPACE = " \t\r\n"
MAX_DEPTH = 250
_END = "unexpected end of JSON input"


class JSONError(ValueError):
    """The text is not JSON; the message is Go's."""


def loads(body: bytes) -> Any:
    """The value of a JSON text. Raises JSONError. Bytes that are not UTF-8 become U+FFFD, as Go does it."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _slow(body)
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and too_deep(value):
        raise JSONError("exceeded max depth")
    return value


def too_deep(value: Any) -> bool:
    """Nested beyond what the walks over objects, which recurse, are made for."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
        if not below:
            return False
        level = below
    return True


def _slow(body: bytes) -> Any:
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=whole, strict=True)
    except _OutOfRange as error:
        raise JSONError(f"json: cannot unmarshal number {error} into Go value of type float64") from error
    except (ValueError, RecursionError) as error:
        raise JSONError(syntax_fault(text)) from error
    try:
        return _without_lone_surrogates(value)
    except RecursionError as error:
        raise JSONError("exceeded max depth") from error


class _OutOfRange(ValueError):
    pass


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _OutOfRange(text)
    return number


def _without_lone_surrogates(value: Any) -> Any:
    """Half a surrogate pair becomes U+FFFD, as in Go; it could not be written as UTF-8 again."""
    text = json.dumps(value, ensure_ascii=False)
    return orjson.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def kind_of(value: Any) -> str:
    """What Go calls a JSON value."""
    if value is None:
        return "null"
    return _KINDS.get(type(value), "object")


_KINDS: dict[type, str] = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


def go_type(value: Any) -> str:
    """The type that a value has in Go once it is read from JSON."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "bool"
    for kind, name in ((str, "string"), (int, "int64"), (float, "float64"), (list, "[]interface {}")):
        if isinstance(value, kind):
            return name
    return "map[string]interface {}"


def duplicate_fields(body: bytes, value: Any) -> list[str]:
    """Paths of keys given twice in one object, in order of appearance; `value` is what `loads` made of the body.

    Doubled keys are the only reason why the text holds more keys than the value, so counting settles most bodies.
    """
    if b"\\u" not in body:
        seen = sum(1 for _ in _key_like.finditer(body))
        if seen <= orjson.dumps(value).count(b'":'):
            return []
    try:
        tree = json.loads(body.decode("utf-8", "replace"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return []
    found: list[str] = []
    _collect(tree, "", found)
    return found


def strict_faults(body: bytes, unknown: list[str]) -> list[str]:
    """Unknown and doubled fields as messages tell them, in order of appearance. A field nobody knows is not also
    called doubled, nor is anything inside it."""
    tree = json.loads(body.decode("utf-8", "replace"), object_pairs_hook=_Pairs)
    found: dict[str, str] = {}
    _judge(tree, "", frozenset(unknown), found)
    left = [f'unknown field "{path}"' for path in unknown if path not in found]
    return [*found.values(), *left]


def _judge(value: Any, path: str, unknown: frozenset[str], found: dict[str, str]) -> None:
    if isinstance(value, _Pairs):
        seen = set()
        for key, child in value:
            where = f"{path}.{key}" if path else key
            if where in unknown:
                found.setdefault(where, f'unknown field "{where}"')
                continue
            if key in seen:
                found.setdefault(where, f'duplicate field "{where}"')
            seen.add(key)
            _judge(child, where, unknown, found)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _judge(child, f"{path}[{index}]", unknown, found)


class _Pairs(list[tuple[str, Any]]):
    """An object's members, doubles included."""


def _collect(value: Any, path: str, found: list[str]) -> None:
    if isinstance(value, _Pairs):
        seen = set()
        for key, child in value:
            where = f"{path}.{key}" if path else key
            if key in seen and where not in found:
                found.append(where)
            seen.add(key)
            _collect(child, where, found)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _collect(child, f"{path}[{index}]", found)


# -- where the syntax breaks -------------------------------------------------------------------------------


class _Fault(Exception):
    pass


def syntax_fault(text: str) -> str:
    """Go's message for a text that is not JSON."""
    try:
        end = _skip(text, _value(text, _skip(text, 0), 0))
        if end < len(text):
            raise _Fault(f"invalid character {quote_char(text[end])} after top-level value")
    except _Fault as fault:
        return str(fault)
    return _END


def quote_char(char: str) -> str:
    special = {"'": "'\\''", '"': "'\"'", "\n": "'\\n'", "\t": "'\\t'", "\r": "'\\r'", "\\": "'\\\\'"}
    if char in special:
        return special[char]
    code = ord(char)
    if char.isprintable():
        return f"'{char}'"
    return f"'\\x{code:02x}'" if code < 0x80 else f"'\\u{code:04x}'" if code < 0x10000 else f"'\\U{code:08x}'"


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _expect(text: str, at: int, chars: str, where: str) -> str:
    if at >= len(text):
        raise _Fault(_END)
    if text[at] not in chars:
        raise _Fault(f"invalid character {quote_char(text[at])} {where}")
    return text[at]


def _value(text: str, at: int, depth: int) -> int:
    """Index after the value that begins at `at`."""
    if at >= len(text):
        raise _Fault(_END)
    if depth > MAX_DEPTH:
        raise _Fault("exceeded max depth")
    char = text[at]
    if char == "{":
        return _object(text, at + 1, depth)
    if char == "[":
        return _array(text, at + 1, depth)
    if char == '"':
        return _string(text, at + 1)
    if char in "tfn":
        return _literal(text, at, {"t": "true", "f": "false", "n": "null"}[char])
    if char in "-0123456789":
        return _numeral(text, at)
    raise _Fault(f"invalid character {quote_char(char)} looking for beginning of value")


def _object(text: str, at: int, depth: int) -> int:
    at = _skip(text, at)
    if _expect(text, at, '"}', "looking for beginning of object key string") == "}":
        return at + 1
    while True:
        at = _skip(text, _string(text, at + 1))
        _expect(text, at, ":", "after object key")
        at = _skip(text, _value(text, _skip(text, at + 1), depth + 1))
        if _expect(text, at, ",}", "after object key:value pair") == "}":
            return at + 1
        at = _skip(text, at + 1)
        _expect(text, at, '"', "looking for beginning of object key string")


def _array(text: str, at: int, depth: int) -> int:
    at = _skip(text, at)
    if at < len(text) and text[at] == "]":
        return at + 1
    while True:
        at = _skip(text, _value(text, at, depth + 1))
        if _expect(text, at, ",]", "after array element") == "]":
            return at + 1
        at = _skip(text, at + 1)


def _string(text: str, at: int) -> int:
    while at < len(text):
        char = text[at]
        if char == '"':
            return at + 1
        if char < " ":
            raise _Fault(f"invalid character {quote_char(char)} in string literal")
        at = _escape(text, at + 1) if char == "\\" else at + 1
    raise _Fault(_END)


def _escape(text: str, at: int) -> int:
    if _expect(text, at, '"\\/bfnrtu', "in string escape code") != "u":
        return at + 1
    for digit in range(at + 1, at + 5):
        _expect(text, digit, "0123456789abcdefABCDEF", "in \\u hexadecimal character escape")
    return at + 5


def _literal(text: str, at: int, word: str) -> int:
    for index, char in enumerate(word):
        _expect(text, at + index, char, f"in literal {word} (expecting {quote_char(char)})")
    return at + len(word)


def _numeral(text: str, at: int) -> int:
    found = _number.match(text, at)
    if found is None:
        _expect(text, at + 1, "0123456789", "in numeric literal")
        return at + 1
    end = found.end()
    if end < len(text) and text[end] == "." and "." not in found[0]:
        _expect(text, end + 1, "0123456789", "after decimal point in numeric literal")
    if end < len(text) and text[end] in "eE" and not found[3]:
        _expect(text, end + 1, "+-0123456789", "in exponent of numeric literal")
        _expect(text, end + 2, "0123456789", "in exponent of numeric literal")
    return end


# -- how Go prints ---------------------------------------------------------------------------------------------


def sprint(value: Any) -> str:
    """A JSON value as fmt's %v prints it: `map[a:1 b:[x y]]`."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{sprint(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(sprint(item) for item in value) + "]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float(value) if isinstance(value, float) else str(value)


def _float(value: float) -> str:
    """%v of a float64: shortest form, exponents from 1e+21 on."""
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        sign = "-" if exponent.startswith("-") else "+"
        return f"{mantissa.removesuffix('.0')}e{sign}{exponent.lstrip('+-').zfill(2)}"
    return text.removesuffix(".0")


def escape_html(encoded: bytes) -> bytes:
    """Go's encoder writes <, > and & in JSON strings as escapes."""
    return encoded.replace(b"&", b"\\u0026").replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
