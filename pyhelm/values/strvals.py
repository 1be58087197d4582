"""The little language of `--set`: `a.b=c,d[0]=e,f={x,y}`, with Helm's typing, bounds and error texts.

Numbers without a leading zero are integers (Go's int64), true, false and null are what they say, everything else is
text. A backslash takes the next character literally. `parse_json` reads `key=<json>`, `parse_literal` takes all
behind the first `=` as it stands, `parse_file` reads each value as the name of a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pyhelm.errors import ValuesError

MAX_INDEX = 65536
MAX_NESTING = 30
Reader = Callable[[str], Any]
_INTEGER = re.compile(r"[+-]?[0-9]+")


def parse_set(text: str, into: dict[str, Any]) -> None:
    """`--set`: change `into` in place. Raises ValuesError."""
    _Parser(text, typed).parse(into)


def parse_string(text: str, into: dict[str, Any]) -> None:
    """`--set-string`: every value is text."""
    _Parser(text, str).parse(into)


def parse_file(text: str, into: dict[str, Any], read: Callable[[str], str]) -> None:
    """`--set-file`: every value names a file, which `read` gives as text."""
    _Parser(text, read).parse(into)


def parse_json(text: str, into: dict[str, Any]) -> None:
    """`--set-json key=<json>`; numbers are floats, as in YAML."""
    _JSONParser(text, typed).parse(into)


def parse_literal(text: str, into: dict[str, Any]) -> None:
    """`--set-literal key=anything`."""
    _LiteralParser(text, str).parse(into)


def typed(text: str) -> Any:
    """The value a bare word of `--set` has."""
    lower = text.lower()
    if lower in ("true", "false"):
        return lower == "true"
    if lower == "null":
        return None
    if text == "0":
        return 0
    if text and text[0] != "0" and _INTEGER.fullmatch(text) and -(1 << 63) <= int(text) < 1 << 63:
        return int(text)
    return text


class _End(Exception):
    """The text has ended."""


class _Parser:
    """One flag's text, read once from left to right."""

    key_stops = "=[,."

    def __init__(self, text: str, reader: Reader) -> None:
        self.text = text
        self.at = 0
        self.reader = reader

    def parse(self, into: dict[str, Any]) -> None:
        try:
            while True:
                self.key(into, 0)
        except _End:
            return

    def key(self, data: dict[str, Any], level: int) -> None:
        """One key and its value; _End when nothing is left to read."""
        name, last = self.until(self.key_stops)
        if last == "":
            if not name:
                raise _End
            raise ValuesError(f"key {_quoted(name)} has no value")
        if last == "[":
            self.indexed(data, name, level)
        elif last == "=":
            self.assign(data, name)
        elif last == ",":
            _set(data, name, "")
            raise ValuesError(f"key {_quoted(name)} has no value (cannot end with ,)")
        else:
            self.nested(data, name, level + 1)

    def indexed(self, data: dict[str, Any], name: str, level: int) -> None:
        index = self.index()
        found = data.get(name, [])
        if not isinstance(found, list):
            raise ValuesError(f"unable to parse key: {name} is {_kind(found)}, not a list")
        items = list(found)
        try:
            _set(data, name, self.item(items, index, level))
        except _End:
            _set(data, name, items)
            raise

    def nested(self, data: dict[str, Any], name: str, level: int) -> None:
        if level > MAX_NESTING:
            limit = "value name nested level is greater than maximum supported nested level of"
            raise ValuesError(f"{limit} {MAX_NESTING}")
        inner = data.get(name, {})
        if not isinstance(inner, dict):
            raise ValuesError(f"unable to parse key: {name} is {_kind(inner)}, not a map")
        ended = False
        try:
            self.key(inner, level)
        except _End:
            ended = True
        if inner:
            _set(data, name, inner)
        if ended:
            raise _End
        if not inner:
            raise ValuesError(f"key map {_quoted(name)} has no value")

    def assign(self, data: dict[str, Any], name: str) -> None:
        """What stands behind `name=`."""
        if self.at >= len(self.text):
            _set(data, name, "")
            raise _End
        _set(data, name, self.value())

    def value(self) -> Any:
        """A list in braces, or everything up to the next comma."""
        if self.text[self.at] == "{":
            self.at += 1
            return self.braces()
        word, _ = self.until(",")
        return self.reader(word)

    def braces(self) -> list[Any]:
        out: list[Any] = []
        while True:
            word, last = self.until(",}")
            if last == "":
                raise ValuesError("list must terminate with '}'")
            out.append(self.reader(word))
            if last == "}":
                if self.text.startswith(",", self.at):
                    self.at += 1
                return out

    def item(self, found: list[Any], index: int, level: int) -> list[Any]:
        """What stands behind `[index]`; answers the changed list."""
        if index < 0:
            raise ValuesError(f"negative {index} index not allowed")
        text, last = self.until("[.=")
        if text:
            raise ValuesError(f"unexpected data at end of array index: {_quoted(text)}")
        if last == "":
            raise _End
        if last == "=":
            return _set_index(found, index, self.item_value())
        there = found[index] if index < len(found) else None
        if last == "[":
            inner_index = self.index()
            if there is not None and not isinstance(there, list):
                raise ValuesError(f"unable to parse key: item {index} is {_kind(there)}, not a list")
            return _set_index(found, index, self.item(list(there or []), inner_index, level))
        inner = there if isinstance(there, dict) else {}
        if index < len(found):
            found[index] = inner
        self.key(inner, level)
        return _set_index(found, index, inner)

    def item_value(self) -> Any:
        return "" if self.at >= len(self.text) else self.value()

    def index(self) -> int:
        text, last = self.until("]")
        if last == "":
            raise _End
        if not _INTEGER.fullmatch(text):
            raise ValuesError(f"error parsing index: strconv.Atoi: parsing {_quoted(text)}: invalid syntax")
        return int(text)

    def until(self, stops: str) -> tuple[str, str]:
        """Text up to one of `stops` and that character, or "" at the end; a backslash takes the next literally."""
        out: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char in stops:
                return "".join(out), char
            if char == "\\":
                if self.at >= len(self.text):
                    break
                char = self.text[self.at]
                self.at += 1
            out.append(char)
        return "".join(out), ""


class _JSONParser(_Parser):
    """`key=<json>,key=<json>`."""

    def assign(self, data: dict[str, Any], name: str) -> None:
        _set(data, name, self.json())

    def item_value(self) -> Any:
        return self.json()

    def json(self) -> Any:
        if self.blank():
            return None
        try:
            value, end = _DECODER.raw_decode(self.text, self.at)
        except ValueError as error:
            raise ValuesError(str(error)) from error
        self.at = end
        self.blank()
        return value

    def blank(self) -> bool:
        """Skip spaces and one comma; whether nothing else stood there."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char != "," and not char.isspace():
                return False
            self.at += 1
            if char == ",":
                return True
        return True


class _LiteralParser(_Parser):
    """One key; its value is all the rest."""

    key_stops = "=[."

    def assign(self, data: dict[str, Any], name: str) -> None:
        _set(data, name, self.rest())

    def item_value(self) -> Any:
        return self.rest()

    def rest(self) -> str:
        text = self.text[self.at :]
        self.at = len(self.text)
        return text

    def until(self, stops: str) -> tuple[str, str]:
        for end in range(self.at, len(self.text)):
            if self.text[end] in stops:
                text = self.text[self.at : end]
                self.at = end + 1
                return text, self.text[end]
        return self.rest(), ""


def _refuse(word: str) -> Any:
    raise ValueError(f"invalid character {word!r} looking for beginning of value")


_DECODER = json.JSONDecoder(parse_int=float, parse_constant=_refuse)


def _set(data: dict[str, Any], name: str, value: Any) -> None:
    if name:
        data[name] = value


def _set_index(items: list[Any], index: int, value: Any) -> list[Any]:
    if index > MAX_INDEX:
        raise ValuesError(f"index of {index} is greater than maximum supported index of {MAX_INDEX}")
    if index >= len(items):
        items.extend([None] * (index + 1 - len(items)))
    items[index] = value
    return items


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a map" if isinstance(value, dict) else "a plain value"
