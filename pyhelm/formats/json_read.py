"""encoding/json's Unmarshal into an interface: every number a float64, the last of equal keys wins, Go's errors."""

from __future__ import annotations

import json
import re
from typing import Any

from pyhelm.formats.quoting import quote_rune

__all__ = ["JSONError", "load", "load_list", "load_map"]


class JSONError(ValueError):
    """Text that is no JSON, or JSON of another type; the message is encoding/json's.

    `partial` is what had been decoded all the same, where a number alone was out of range.
    """

    def __init__(self, message: str, partial: Any = None) -> None:
        super().__init__(message)
        self.partial = partial


class _TooLarge(float):
    """A number no float64 holds; it becomes 0 in what was decoded so far."""

    text: str


def _number(text: str) -> float:
    value = float(text)
    if value - value != 0:
        large = _TooLarge(0.0)
        large.text = text
        return large
    return value


def _refuse_large(value: Any, path: tuple[str, ...] = ()) -> None:
    if isinstance(value, _TooLarge):
        field = f"Go struct field .{'.'.join(path)}" if path else "Go value"
        raise JSONError(f"json: cannot unmarshal number {value.text} into {field} of type float64")
    for key, item in value.items() if isinstance(value, dict) else ():
        _refuse_large(item, (*path, key))
    for item in value if isinstance(value, list) else ():
        _refuse_large(item, path)


def _refuse(text: str) -> Any:
    raise ValueError(text)


def load(text: str) -> Any:
    """The JSON value of the text."""
    value = _decoded(text)
    if _LARGE(text):
        _refuse_large(value)
    return value


def _without_large(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_large(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_large(item) for item in value]
    return 0.0 if isinstance(value, _TooLarge) else value


_LARGE = re.compile(r"[0-9]{300}|[eE]\+?[0-9]{3}").search


def _decoded(text: str) -> Any:
    try:
        value = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)
    except ValueError:
        raise JSONError(_Scanner(text).complaint()) from None
    return _mended(value) if "\\u" in text or not text.isascii() else value


def _mended(value: Any) -> Any:
    """Lone surrogates become U+FFFD."""
    if isinstance(value, str):
        return "".join(["\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value]) if not value.isascii() else value
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value


_KINDS = {str: "string", float: "number", _TooLarge: "number", bool: "bool", list: "array", dict: "object"}


def load_map(text: str) -> dict[str, Any] | None:
    """An object; None for `null`."""
    value = _decoded(text)
    if value is None or isinstance(value, dict):
        if _LARGE(text):
            try:
                _refuse_large(value)
            except JSONError as error:
                raise JSONError(str(error), _without_large(value)) from None
        return value
    kind = _KINDS[type(value)]
    raise JSONError(f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")


def load_list(text: str) -> list[Any] | None:
    """An array; None for `null`."""
    value = _decoded(text)
    if value is None or isinstance(value, list):
        if _LARGE(text):
            try:
                _refuse_large(value)
            except JSONError as error:
                raise JSONError(str(error), _without_large(value)) from None
        return value
    raise JSONError(f"json: cannot unmarshal {_KINDS[type(value)]} into Go value of type []interface {{}}")


_SPACE = " \t\r\n"
_NUMBER_PART = re.compile(r"[0-9]*")


class _Stop(Exception):
    """The first fault; its text is the message."""


class _Scanner:
    """Finds the first fault as Go's scanner would word it. Runs only on text already known to be faulty."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def complaint(self) -> str:
        """The message."""
        try:
            self.value()
            self.space()
            if self.at < len(self.text):
                self.bad("after top-level value")
        except _Stop as stop:
            return str(stop)
        except RecursionError:
            return "exceeded max depth"
        return "unexpected end of JSON input"

    def bad(self, context: str) -> None:
        if self.at >= len(self.text):
            raise _Stop("unexpected end of JSON input")
        byte = self.text[self.at].encode("utf-8", "surrogateescape")[0]
        char = chr(byte)
        shown = {"'": "'\\''", '"': "'\"'"}.get(char) or quote_rune(char)
        raise _Stop(f"invalid character {shown} {context}")

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1

    def value(self) -> None:
        self.space()
        char = self.peek()
        if char == "{":
            self.object()
        elif char == "[":
            self.array()
        elif char == '"':
            self.string()
        elif char and char in "-0123456789":
            self.number()
        elif char and char in "tfn":
            self.word({"t": "true", "f": "false", "n": "null"}[char])
        else:
            self.bad("looking for beginning of value")

    def word(self, word: str) -> None:
        self.at += 1
        for wanted in word[1:]:
            if self.peek() != wanted:
                self.bad(f"in literal {word} (expecting {quote_rune(wanted)})")
            self.at += 1

    def number(self) -> None:
        if self.peek() == "-":
            self.at += 1
            if not self.peek().isdigit():
                self.bad("in numeric literal")
        if self.peek() == "0":
            self.at += 1
        else:
            self.digits()
        if self.peek() == ".":
            self.at += 1
            if not ("0" <= self.peek() <= "9"):
                self.bad("after decimal point in numeric literal")
            self.digits()
        if self.peek() in ("e", "E"):
            self.at += 1
            if self.peek() in ("+", "-"):
                self.at += 1
            if not ("0" <= self.peek() <= "9"):
                self.bad("in exponent of numeric literal")
            self.digits()

    def digits(self) -> None:
        found = _NUMBER_PART.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def string(self) -> None:
        self.at += 1
        while True:
            char = self.peek()
            if char == '"':
                self.at += 1
                return
            if not char or char < " ":
                self.bad("in string")
            self.at += 1
            if char == "\\":
                self.escape()

    def escape(self) -> None:
        char = self.peek()
        if char == "u":
            for _ in range(4):
                self.at += 1
                if self.peek() not in tuple("0123456789abcdefABCDEF"):
                    self.bad("in \\u hexadecimal character escape")
        elif char not in tuple('bfnrt\\/"'):
            self.bad("in string escape code")
        self.at += 1

    def object(self) -> None:
        self.at += 1
        self.space()
        if self.peek() == "}":
            self.at += 1
            return
        while True:
            self.space()
            if self.peek() != '"':
                self.bad("looking for beginning of object key string")
            self.string()
            self.space()
            if self.peek() != ":":
                self.bad("after object key")
            self.at += 1
            self.value()
            self.space()
            if self.peek() == "}":
                self.at += 1
                return
            if self.peek() != ",":
                self.bad("after object key:value pair")
            self.at += 1

    def array(self) -> None:
        self.at += 1
        self.space()
        if self.peek() == "]":
            self.at += 1
            return
        while True:
            self.value()
            self.space()
            if self.peek() == "]":
                self.at += 1
                return
            if self.peek() != ",":
                self.bad("after array element")
            self.at += 1
