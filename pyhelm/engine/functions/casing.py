"""Words in identifiers: snake, kebab and Pascal case by the word rules of Go's xstrings.

Text falls into words of kinds: numbers, upper-case words (`HTTP` before `Status` splits), lower-case words,
connectors (`-`, `_`, white space), punctuation and the rest. Numbers stick to the word before them unless lower-case
letters follow.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from enum import Enum, auto

__all__ = ["connected", "pascal"]


class Kind(Enum):
    """What a word is made of."""

    NONE = auto()
    NUMBER = auto()
    UPPER = auto()
    LETTERS = auto()
    CONNECTOR = auto()
    PUNCTUATION = auto()
    OTHER = auto()


_ENDS = (Kind.NONE, Kind.CONNECTOR, Kind.PUNCTUATION)


def _is_connector(char: str) -> bool:
    return char in "-_" or char.isspace()


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] == "P"


def _is_number(char: str) -> bool:
    return unicodedata.category(char)[0] == "N"


def _is_letter(char: str) -> bool:
    """A letter, but not a Han character."""
    han = "\u4e00" <= char <= "\u9fcc" or "\u3400" <= char <= "\u4d85" or "\U00020000" <= char <= "\U0002b81d"
    return unicodedata.category(char)[0] == "L" and not han


def _run(text: str, start: int, fits: Callable[[str], bool]) -> int:
    while start < len(text) and fits(text[start]):
        start += 1
    return start


def _upper_end(text: str) -> int:
    if len(text) < 2:
        return len(text)
    if text[1].isupper():
        end = _run(text, 2, str.isupper)
        return end - 1 if end < len(text) and _is_letter(text[end]) else end
    return _run(text, 1, lambda char: _is_letter(char) and not char.isupper())


def _next(text: str) -> tuple[Kind, str, str]:
    if not text:
        return Kind.NONE, "", ""
    char = text[0]
    if _is_connector(char):
        kind, end = Kind.CONNECTOR, _run(text, 1, _is_connector)
    elif _is_punctuation(char):
        kind, end = Kind.PUNCTUATION, _run(text, 1, _is_punctuation)
    elif char.isupper():
        kind, end = Kind.UPPER, _upper_end(text)
    elif _is_letter(char):
        kind, end = Kind.LETTERS, _run(text, 1, lambda c: _is_letter(c) and not c.isupper())
    elif _is_number(char):
        kind, end = Kind.NUMBER, _run(text, 1, _is_number)
    else:
        kind = Kind.OTHER
        end = _run(
            text, 1, lambda c: not (_is_connector(c) or _is_letter(c) or _is_number(c) or _is_punctuation(c))
        )
    return kind, text[:end], text[end:]


class _Writer:
    """The walk over the words, with the text written so far."""

    def __init__(self, text: str, connector: str) -> None:
        self.connector = connector
        self.out: list[str] = []
        self.kind, self.word, self.rest = _next(text)

    def advance(self) -> None:
        """Moves to the next word."""
        self.kind, self.word, self.rest = _next(self.rest)

    def write(self, kind: Kind, word: str) -> None:
        """A word in lower case; each character of a connector becomes the connector."""
        if kind is Kind.CONNECTOR:
            self.out.append(self.connector * len(word))
        elif kind is Kind.UPPER:
            self.out.append("".join([char.lower() if char.isupper() else char for char in word]))
        else:
            self.out.append(word)

    def swallow(self) -> None:
        """Letters and numbers that belong to the number before them."""
        while self.kind in (Kind.LETTERS, Kind.NUMBER):
            self.write(self.kind, self.word)
            self.advance()
        if self.kind not in _ENDS:
            self.out.append(self.connector)

    def after_word(self) -> None:
        """What stands between a word and what follows it."""
        kind: Kind = self.kind
        if kind is not Kind.NUMBER:
            if kind not in (Kind.CONNECTOR, Kind.PUNCTUATION):
                self.out.append(self.connector)
            return
        if not self.rest:
            return
        number = self.word
        self.advance()
        kind = self.kind
        if kind is not Kind.LETTERS:
            self.write(Kind.NUMBER, number)
            if self.kind not in (Kind.CONNECTOR, Kind.PUNCTUATION):
                self.out.append(self.connector)
            return
        self.out.append(self.connector)
        self.write(Kind.NUMBER, number)
        self.swallow()


def connected(text: str, connector: str) -> str:
    """The words in lower case with a connector between them."""
    writer = _Writer(text, connector)
    while writer.rest:
        kind, word = writer.kind, writer.word
        if kind is not Kind.CONNECTOR:
            writer.write(kind, word)
        writer.advance()
        if kind is Kind.NUMBER:
            writer.swallow()
        elif kind is Kind.CONNECTOR:
            writer.write(kind, word)
        elif kind is not Kind.PUNCTUATION:
            writer.after_word()
    writer.write(writer.kind, writer.word)
    return "".join(writer.out)


def _upper(char: str) -> str:
    mapped = char.upper()
    return mapped if len(mapped) == 1 else char


def pascal(text: str) -> str:
    """Each word with one capital, connectors between words dropped; doubled and outer connectors stay."""
    start = _run(text, 0, _is_connector)
    if start == len(text):
        return text
    out = [text[:start]]
    current = _upper(text[start])
    capitals = text[start].isupper()
    for char in text[start + 1 :]:
        before, current = current, char
        if _is_connector(char) and _is_connector(before):
            out.append(before)
        elif _is_connector(before):
            capitals = char.isupper()
            current = _upper(char)
        else:
            capitals = capitals and char.isupper()
            current = char.lower()[0] if capitals else char
            out.append(before)
    out.append(current)
    return "".join(out)
