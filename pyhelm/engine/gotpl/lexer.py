"""Splits Go template text into tokens, as Go's text/template does: same borders, same complaints, same lines.

Knows characters only; what a sequence of tokens means is the parser's business. The whole text is scanned at once:
an error ends the list as a token of its own, and surfaces when the parser reaches it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["KEYWORDS", "Token", "scan"]

KEYWORDS = frozenset({"block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"})
"""Words that are no function names. `nil` and `.` are keywords of their own kinds."""

_SPACES = " \t\r\n"
_SPACE_RUN = re.compile(r"[ \t\r\n]+")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHARACTER = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)


class Token(NamedTuple):
    """`kind` is a lower-case name, or one of KEYWORDS; `position` counts characters from the start of the text."""

    kind: str
    position: int
    text: str
    line: int

    def __str__(self) -> str:
        if self.kind == "eof":
            return "EOF"
        if self.kind == "error":
            return self.text
        if self.kind in KEYWORDS or self.kind in ("nil", "dot"):
            return f"<{self.text}>"
        from pyhelm.engine.gotpl.syntax import go_quote

        if len(self.text.encode("utf-8", "surrogateescape")) > 10:
            return go_quote(self.text[:10]) + "..."
        return go_quote(self.text)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.line = 1
        self.counted = 0

    def line_at(self, position: int) -> int:
        self.line += self.text.count("\n", self.counted, position)
        self.counted = position
        return self.line

    def emit(self, kind: str, start: int, end: int) -> None:
        self.tokens.append(Token(kind, start, self.text[start:end], self.line_at(start)))

    def fail(self, start: int, message: str) -> int | None:
        """The complaint as a last token; always None, as what ends a scan."""
        self.tokens.append(Token("error", start, message, self.line_at(start)))
        return None

    def run(self) -> list[Token]:
        position, size = 0, len(self.text)
        while position < size:
            found = self.text.find("{{", position)
            if found < 0:
                self.emit("text", position, size)
                break
            following = self.delimiter(position, found)
            if following is None:
                return self.tokens
            position = following
        self.tokens.append(Token("eof", size, "EOF", self.line_at(size)))
        return self.tokens

    def delimiter(self, start: int, found: int) -> int | None:
        """The text before `{{` and what the delimiter opens; the position after it, or None after an error."""
        text, inside = self.text, found + 2
        trims = text.startswith("-", inside) and text[inside + 1 : inside + 2] in _SPACES and len(text) > inside + 1
        end = len(text[start:found].rstrip(_SPACES)) + start if trims else found
        if end > start:
            self.emit("text", start, end)
        if trims:
            inside += 2
        if text.startswith("/*", inside):
            return self.comment(inside)
        self.emit("left", found, found + 2)
        return self.action(inside)

    def closing(self, position: int) -> int:
        """0: no closing delimiter here; 2: `}}`; 4: ` -}}`."""
        text = self.text
        if text.startswith("}}", position):
            return 2
        if text.startswith("-}}", position + 1) and text[position] in _SPACES:
            return 4
        return 0

    def after_trim(self, position: int) -> int:
        run = _SPACE_RUN.match(self.text, position)
        return run.end() if run else position

    def comment(self, start: int) -> int | None:
        found = self.text.find("*/", start + 2)
        if found < 0:
            return self.fail(start, "unclosed comment")
        width = self.closing(found + 2)
        if not width:
            return self.fail(start, "comment ends before closing delimiter")
        end = found + 2 + width
        return self.after_trim(end) if width == 4 else end

    def action(self, position: int) -> int | None:
        text, size, depth = self.text, len(self.text), 0
        while True:
            width = self.closing(position)
            if width:
                if depth:
                    return self.fail(position, "unclosed left paren")
                end = position + width
                self.emit("right", end - 2, end)
                return self.after_trim(end) if width == 4 else end
            if position >= size:
                return self.fail(position, "unclosed action")
            char = text[position]
            if char in _SPACES:
                position = self.space(position)
                continue
            if char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
                if depth < 0:
                    return self.fail(position, "unexpected right paren")
            following = self.item(char, position)
            if following is None:
                return None
            position = following

    def space(self, start: int) -> int:
        end = self.after_trim(start)
        if self.text.startswith("-}}", end):
            end -= 1
        if end > start:
            self.emit("space", start, end)
        return end

    def item(self, char: str, start: int) -> int | None:
        kind = _SINGLE.get(char)
        if kind is not None:
            self.emit(kind, start, start + 1)
            return start + 1
        if char == ":":
            if not self.text.startswith("=", start + 1):
                return self.fail(start, "expected :=")
            self.emit("declare", start, start + 2)
            return start + 2
        if char == '"':
            return self.matched("string", _QUOTED, start, "unterminated quoted string")
        if char == "'":
            return self.matched("char", _CHARACTER, start, "unterminated character constant")
        if char == "`":
            end = self.text.find("`", start + 1) + 1
            if not end:
                return self.fail(start, "unterminated raw quoted string")
            self.emit("raw", start, end)
            return end
        return self.word(char, start)

    def matched(self, kind: str, pattern: re.Pattern[str], start: int, complaint: str) -> int | None:
        found = pattern.match(self.text, start)
        if found is None:
            return self.fail(start, complaint)
        self.emit(kind, start, found.end())
        return found.end()

    def word(self, char: str, start: int) -> int | None:
        if char == "$":
            return self.name("variable", start, start + 1)
        if char == "." and not "0" <= self.text[start + 1 : start + 2] <= "9":
            return self.name("field", start, start + 1)
        if char in "+-." or "0" <= char <= "9":
            return self.number(start)
        if is_alphanumeric(char):
            return self.name("identifier", start, start)
        if " " < char <= "~":
            self.emit("printable", start, start + 1)
            return start + 1
        return self.fail(start, f"unrecognized character in action: {unicode_name(char)}")

    def name(self, kind: str, start: int, first: int) -> int | None:
        end = word_end(self.text, first)
        following = self.text[end : end + 1]
        if following and following not in _TERMINATORS:
            return self.fail(start, f"bad character {unicode_name(following)}")
        word = self.text[start:end]
        if kind == "identifier":
            kind = word if word in KEYWORDS else _WORDS.get(word, kind)
        elif word == ".":
            kind = "dot"
        self.emit(kind, start, end)
        return end

    def number(self, start: int) -> int | None:
        end, good = self.number_end(start)
        kind = "number"
        if good and self.text[end : end + 1] in ("+", "-"):
            end, good = self.number_end(end)
            good = good and self.text[end - 1] == "i"
            kind = "complex"
        if not good:
            from pyhelm.engine.gotpl.syntax import go_quote

            return self.fail(start, f"bad number syntax: {go_quote(self.text[start:end])}")
        self.emit(kind, start, end)
        return end

    def number_end(self, start: int) -> tuple[int, bool]:
        found = _NUMBER.match(self.text, start)
        end = found.end() if found else start
        if is_alphanumeric(self.text[end : end + 1]):
            return end + 1, False
        return end, True


_SINGLE = {"(": "(", ")": ")", "|": "pipe", "=": "assign"}
_WORDS = {"true": "bool", "false": "bool", "nil": "nil"}
_TERMINATORS = frozenset(" \t\r\n.,|:)(}")


def is_alphanumeric(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdecimal()


def word_end(text: str, position: int) -> int:
    while position < len(text) and is_alphanumeric(text[position]):
        position += 1
    return position


def unicode_name(char: str) -> str:
    """As Go's %#U: the code point, and the character where it prints."""
    return f"U+{ord(char):04X} '{char}'" if char.isprintable() else f"U+{ord(char):04X}"


def scan(text: str) -> list[Token]:
    """The tokens of `text`; the last is `eof` or `error`."""
    return _Scanner(text).run()
