"""TOML as BurntSushi's decoder reads it into a map: int64, float64, text, bool, times, lists, maps; and its errors."""

from __future__ import annotations

import re
from typing import Any

from pyhelm.formats.golayout import TimeError, parse_time
from pyhelm.formats.gotime import UTC, GoTime, Zone
from pyhelm.formats.quoting import quote, quote_rune

__all__ = ["TOMLError", "load"]


class TOMLError(ValueError):
    """Text that is no TOML; the message names the line and the last key, as the decoder's does."""


class _Fault(Exception):
    """A fault at a place; `key` says whether the last key is named."""

    def __init__(self, message: str, at: int, key: bool = True) -> None:
        super().__init__(message)
        self.at = at
        self.key = key


_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WORD = re.compile(r"[A-Za-z]+")
_NUMBER = re.compile(r"[+-]?[0-9A-Za-z_.+:-]*")
_CLOCK = r"\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?"
_STAMP = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}(?:[Tt ]{_CLOCK}(?:[Zz]|[+-]\d{{2}}:\d{{2}})?)?|{_CLOCK}")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]")
_BASED = {"0x": (16, "0123456789abcdefABCDEF"), "0o": (8, "01234567"), "0b": (2, "01")}
_ESCAPES = {'"': '"', "\\": "\\", "b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", "/": None}
_HEXADECIMAL = {"x": (2, "two"), "u": (4, "four"), "U": (8, "eight")}
_LAYOUTS = (
    ("2006-01-02T15:04:05.999999999Z07:00", None),
    ("2006-01-02T15:04:05.999999999", "datetime-local"),
    ("2006-01-02", "date-local"),
    ("15:04:05.999999999", "time-local"),
    ("2006-01-02T15:04Z07:00", None),
    ("2006-01-02T15:04", "datetime-local"),
    ("15:04", "time-local"),
)


class _Table(dict[str, Any]):
    """A table while it is read: how it came to be decides what may be added."""

    __slots__ = ("closed", "implicit")

    def __init__(self, implicit: bool = False, closed: bool = False) -> None:
        super().__init__()
        self.implicit = implicit
        self.closed = closed


class _Array(list[Any]):
    """A list made by `[[name]]` headers."""


class _Parser:
    """Reads from left to right; `path` is the header in force, `last` the last key read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.root = _Table()
        self.table = self.root
        self.path: tuple[str, ...] = ()
        self.last: tuple[str, ...] = ()

    def parse(self) -> dict[str, Any]:
        """The whole text."""
        while True:
            self.blank_lines()
            if self.at >= len(self.text):
                return self.root
            if self.peek() == "[":
                self.header()
            else:
                self.pair(self.table, self.path)
            self.line_end()

    def peek(self, count: int = 1) -> str:
        return self.text[self.at : self.at + count]

    def spaces(self) -> None:
        while self.peek() in (" ", "\t") and self.peek():
            self.at += 1

    def comment(self) -> None:
        if self.peek() != "#":
            return
        while self.peek() not in ("", "\n") and self.peek(2) != "\r\n":
            char = self.peek()
            if (char < " " and char != "\t") or char == "\x7f":
                raise _Fault(f"TOML files cannot contain control characters: '0x{ord(char):02x}'", self.at)
            self.at += 1

    def blank_lines(self) -> None:
        while True:
            self.spaces()
            self.comment()
            if self.peek(2) == "\r\n":
                self.at += 2
            elif self.peek() == "\n":
                self.at += 1
            else:
                return

    def line_end(self) -> None:
        self.spaces()
        self.comment()
        char = self.peek()
        if char not in ("", "\n") and self.peek(2) != "\r\n":
            shown = quote_rune(char)
            raise _Fault(
                f"expected a top-level item to end with a newline, comment, or EOF, but got {shown} instead", self.at
            )

    # Keys.

    def key_part(self, table: bool) -> str:
        char = self.peek()
        if char and char in "\"'":
            return self.string() if char == '"' else self.raw_string()
        found = _BARE.match(self.text, self.at)
        if found is None:
            raise self.bad_key(char, table)
        self.at = found.end()
        return found[0]

    def bad_key(self, char: str, table: bool) -> _Fault:
        if table:
            if char in ("]", ""):
                return _Fault("unexpected end of table name (table names cannot be empty)", self.at)
            if char == ".":
                return _Fault("unexpected table separator (table names cannot be empty)", self.at)
            return _Fault(f"expected '.' or ']' to end table name, but got {quote_rune(char)} instead", self.at)
        if char in ("=", "."):
            return _Fault(f"unexpected {quote_rune(char)}", self.at)
        return _Fault(f"expected '.' or '=', but got {quote_rune(char)} instead", self.at)

    def dotted(self, table: bool) -> tuple[str, ...]:
        parts = [self.key_part(table)]
        while True:
            self.spaces()
            if self.peek() != ".":
                return tuple(parts)
            self.at += 1
            self.spaces()
            parts.append(self.key_part(table))

    def header(self) -> None:
        array = self.peek(2) == "[["
        start = self.at
        self.at += 2 if array else 1
        self.spaces()
        self.path = self.dotted(True)
        if self.peek() != "]":
            char = self.peek()
            shown = quote_rune(char) if char else "'\\x00'"
            raise _Fault(f"expected '.' or ']' to end table name, but got {shown} instead", self.at)
        self.at += 1
        if array:
            if self.peek() != "]":
                shown = quote_rune(self.peek()) if self.peek() else "'\\x00'"
                raise _Fault(f"expected end of table array name delimiter ']', but got {shown} instead", self.at)
            self.at += 1
        self.last = ()
        self.open(array, start)

    def open(self, array: bool, start: int) -> None:
        parent = self.descend(self.root, self.path[:-1], start, header=True)
        name = self.path[-1]
        shown = ".".join(self.path)
        present = parent.get(name)
        if array:
            if present is None:
                present = parent[name] = _Array()
            if not isinstance(present, _Array):
                word = f"Key '{name}' was already created and cannot be used as an array."
                raise _Fault(word, start, key=False)
            self.table = _Table()
            present.append(self.table)
            return
        if present is None:
            self.table = parent[name] = _Table()
        elif isinstance(present, _Table) and present.implicit:
            present.implicit = False
            self.table = present
        else:
            raise _Fault(f"Key '{shown}' has already been defined.", start, key=False)

    def descend(self, table: _Table, path: tuple[str, ...], start: int, header: bool) -> _Table:
        for place, name in enumerate(path):
            inner = table.get(name)
            if inner is None:
                inner = table[name] = _Table(implicit=True)
            if isinstance(inner, _Array):
                inner = inner[-1]
            if not isinstance(inner, _Table) or inner.closed:
                shown = ".".join(path[: place + 1])
                if header:
                    raise _Fault(f"Key '{shown}' was already created as a hash.", start, key=False)
                raise _Fault(f"Key '{shown}' has already been defined.", start)
            table = inner
        return table

    def pair(self, table: _Table, path: tuple[str, ...]) -> None:
        start = self.at
        char = self.peek()
        if char == "=":
            raise _Fault("unexpected '=': key name appears blank", start)
        if char == ".":
            raise _Fault("unexpected '.': keys cannot start with a '.'", start)
        key = self.dotted(False)
        self.last = (*path, *key)
        if self.peek() != "=":
            if not self.peek():
                raise _Fault("unexpected EOF; expected key separator '='", self.at)
            raise _Fault(f"expected '.' or '=', but got {quote_rune(self.peek())} instead", self.at)
        self.at += 1
        self.spaces()
        keep = self.last
        value = self.value()
        self.last = keep
        parent = self.descend(table, key[:-1], start, header=False)
        if key[-1] in parent:
            raise _Fault(f"Key '{'.'.join(keep)}' has already been defined.", start)
        parent[key[-1]] = value

    # Values.

    def value(self) -> Any:
        char = self.peek()
        if not char:
            raise _Fault("unexpected EOF; expected value", self.at)
        if char == '"':
            return self.long_string('"""') if self.peek(3) == '"""' else self.string()
        if char == "'":
            return self.long_string("'''") if self.peek(3) == "'''" else self.raw_string()
        if char == "[":
            return self.array()
        if char == "{":
            return self.inline_table()
        if char in "0123456789+-":
            return self.number()
        if char == ".":
            raise _Fault("floats must start with a digit, not '.'", self.at)
        return self.word()

    def word(self) -> Any:
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise _Fault(f"expected value but found {quote_rune(self.peek())} instead", self.at)
        words = {"true": True, "false": False, "inf": float("inf"), "nan": float("nan")}
        if found[0] not in words:
            raise _Fault(f"expected value but found {quote(found[0])} instead", self.at)
        self.at = found.end()
        return words[found[0]]

    def array(self) -> list[Any]:
        self.at += 1
        out: list[Any] = []
        while True:
            self.blank_lines()
            if self.peek() == "]":
                self.at += 1
                return out
            if self.peek() == ",":
                raise _Fault("unexpected comma", self.at)
            out.append(self.value())
            self.blank_lines()
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                shown = quote_rune(self.peek()) if self.peek() else "end of file"
                raise _Fault(f"expected a comma (',') or array terminator (']'), but got {shown}", self.at)

    def inline_table(self) -> _Table:
        self.at += 1
        out = _Table()
        path = self.last
        while True:
            self.blank_lines()
            if self.peek() == "}":
                self.at += 1
                out.closed = True
                return out
            if self.peek() == ",":
                raise _Fault("unexpected comma", self.at)
            self.pair(out, path)
            self.blank_lines()
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "}":
                shown = quote_rune(self.peek()) if self.peek() else "end of file"
                raise _Fault(
                    f"expected a comma or an inline table terminator '}}', but got {shown} instead", self.at
                )

    # Text.

    def string(self) -> str:
        self.at += 1
        out: list[str] = []
        while True:
            char = self.peek()
            if not char:
                raise _Fault("unexpected EOF; expected '\"'", self.at)
            if char == '"':
                self.at += 1
                return "".join(out)
            if char == "\\":
                out.append(self.escape())
                continue
            self.plain_char(char)
            out.append(char)
            self.at += 1

    def plain_char(self, char: str) -> None:
        if char in "\r\n":
            raise _Fault("strings cannot contain newlines", self.at)
        if (char < " " and char != "\t") or char == "\x7f":
            raise _Fault(f"TOML files cannot contain control characters: '0x{ord(char):02x}'", self.at)

    def raw_string(self) -> str:
        self.at += 1
        start = self.at
        while self.peek() != "'":
            if not self.peek():
                raise _Fault('unexpected EOF; expected "\'"', self.at)
            self.plain_char(self.peek())
            self.at += 1
        self.at += 1
        return self.text[start : self.at - 1]

    def escape(self) -> str:
        self.at += 1
        char = self.peek()
        if char in _HEXADECIMAL:
            return self.code_point(char)
        shown = _ESCAPES.get(char)
        if shown is None:
            raise _Fault(f"invalid escape in string '\\{char}'", self.at)
        self.at += 1
        return shown

    def code_point(self, kind: str) -> str:
        count, word = _HEXADECIMAL[kind]
        self.at += 1
        digits = self.peek(count)
        for place in range(count):
            if place >= len(digits) or digits[place] not in "0123456789abcdefABCDEF":
                shown = quote(digits[: place + 1])
                raise _Fault(f"expected {word} hexadecimal digits after '\\{kind}', but got {shown} instead", self.at)
        number = int(digits, 16)
        self.at += count
        if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            raise _Fault(f"Escaped character '\\u{digits}' is not valid UTF-8.", self.at)
        return chr(number)

    def long_string(self, mark: str) -> str:
        self.at += 3
        if self.peek(2) == "\r\n":
            self.at += 2
        elif self.peek() == "\n":
            self.at += 1
        out: list[str] = []
        while True:
            if not self.peek():
                shown = "'\"\"\"'" if mark == '"""' else "\"'''\""
                raise _Fault(f"unexpected EOF; expected {shown}", self.at)
            if self.peek(3) == mark:
                return "".join(out) + self.closing_quotes(mark)
            if self.peek() == "\\" and mark == '"""':
                out.append(self.long_escape())
                continue
            out.append("" if self.peek(2) == "\r\n" else self.peek())
            self.at += 1

    def closing_quotes(self, mark: str) -> str:
        """Up to two quotes may stand before the closing three."""
        extra = ""
        while self.text.startswith(mark, self.at + 1) and len(extra) < 2:
            extra += mark[0]
            self.at += 1
        self.at += 3
        return extra

    def long_escape(self) -> str:
        rest = re.compile(r"\\[ \t]*\r?\n[ \t\r\n]*").match(self.text, self.at)
        if rest is None:
            return self.escape()
        self.at = rest.end()
        return ""

    # Numbers and times.

    def number(self) -> Any:
        stamp = _STAMP.match(self.text, self.at)
        if stamp is not None:
            self.at = stamp.end()
            return self.moment(stamp[0])
        found = _NUMBER.match(self.text, self.at)
        assert found is not None
        start, text = self.at, found[0]
        self.at = found.end()
        return self.float(text, start) if _is_float(text) else self.integer(text, start)

    def moment(self, text: str) -> GoTime:
        plain = text.upper().replace(" ", "T")
        for layout, local in _LAYOUTS:
            try:
                moment = parse_time(layout, plain, UTC)
            except TimeError:
                continue
            return GoTime(moment.nanoseconds, Zone(local)) if local else moment
        raise _Fault(f"invalid datetime: {quote(text)}", self.at)

    def integer(self, text: str, start: int) -> int:
        base, digits = _BASED.get(text[:2], (10, "0123456789"))
        body = text[2:] if base != 10 else text.lstrip("+-")
        for char in body:
            if char not in digits + "_":
                if base == 10 and (char in "+-:" or char.isalpha()):
                    self.at = start + text.index(char)
                    raise self.not_ended(char)
                names = {16: "a hexadecimal", 8: "an octal", 2: "a binary"}
                name = names.get(base, "a decimal")
                raise _Fault(f"not {name} number: '{text[: text.index(char) + 1]}'", start)
        if not body:
            raise _Fault(f"expected a digit but got {quote_rune(self.peek() or chr(0))}", self.at)
        if not _underscores_ok(body):
            raise _Fault(f"Invalid integer {quote(text)}: underscores must be surrounded by digits", start)
        if base == 10 and _LEADING_ZERO.match(text):
            raise _Fault(f"Invalid integer {quote(text)}: cannot have leading zeroes", start)
        number = int(body.replace("_", ""), base) * (-1 if text[0] == "-" else 1)
        if not -(1 << 63) <= number < 1 << 63:
            raise _Fault(f"{text} is out of range for int64", start)
        return number

    def not_ended(self, char: str) -> _Fault:
        shown = quote_rune(char)
        return _Fault(
            f"expected a top-level item to end with a newline, comment, or EOF, but got {shown} instead", self.at
        )

    def float(self, text: str, start: int) -> float:
        plain = text.lstrip("+-")
        if plain in ("inf", "nan"):
            return float(text)
        mantissa = re.split("[eE]", text)[0]
        if not all(_underscores_ok(part) for part in re.split("[.eE+-]", plain) if part):
            raise _Fault(f"Invalid float {quote(text)}: underscores must be surrounded by digits", start)
        if _LEADING_ZERO.match(text):
            raise _Fault(f"Invalid float {quote(text)}: cannot have leading zeroes", start)
        if mantissa.endswith(".") or ".e" in text or ".E" in text:
            raise _Fault(f"Invalid float {quote(text)}: '.' must be followed by one or more digits", start)
        try:
            number = float(text.replace("_", ""))
        except ValueError:
            raise _Fault(f"Invalid float value: {quote(text)}", start) from None
        if number - number != 0:
            raise _Fault(f"{text} is out of range for float64", start)
        return number


def _is_float(text: str) -> bool:
    if text[:2] in _BASED:
        return False
    return "." in text or "e" in text.lower() or text.lstrip("+-") in ("inf", "nan")


def _underscores_ok(text: str) -> bool:
    return not (text.startswith("_") or text.endswith("_") or "__" in text)


def _settled(value: Any) -> Any:
    """Plain maps and lists in place of the parser's."""
    if isinstance(value, dict):
        return {key: _settled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_settled(item) for item in value]
    return value


def load(text: str) -> dict[str, Any]:
    """The map a TOML text spells. Raises TOMLError."""
    parser = _Parser(text)
    try:
        return dict(_settled(parser.parse()))
    except _Fault as fault:
        line = text.count("\n", 0, fault.at) + 1
        key = f" (last key {quote('.'.join(parser.last))})" if fault.key and parser.last else ""
        raise TOMLError(f"toml: line {line}{key}: {fault}") from None
