"""Go's %q: strconv.Quote and its relatives, for text and for single characters."""

from __future__ import annotations

import re

__all__ = ["can_backquote", "is_print", "quote", "quote_rune"]

_PLAIN = re.compile(r'[ !#-\[\]-~]*').fullmatch
_NAMED = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 92: "\\\\"}


def is_print(char: str) -> bool:
    """unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space."""
    return char == " " or (char.isprintable() and not char.isspace())


def quote(text: str, ascii_only: bool = False) -> str:
    """A double-quoted Go string literal. Lone surrogates (bytes that were no UTF-8) come out as \\x escapes."""
    if _PLAIN(text):
        return f'"{text}"'
    return '"' + "".join([_escape(char, '"', ascii_only) for char in text]) + '"'


def quote_rune(char: str, ascii_only: bool = False) -> str:
    """A single-quoted Go rune literal."""
    return "'" + _escape(char, "'", ascii_only) + "'"


def _escape(char: str, mark: str, ascii_only: bool) -> str:
    code = ord(char)
    if char == mark:
        return "\\" + mark
    if code in _NAMED:
        return _NAMED[code]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return char if 0x20 <= code < 0x7F else f"\\x{code:02x}"
    if not ascii_only and is_print(char):
        return char
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def can_backquote(text: str) -> bool:
    """Whether the text may stand between backquotes: one line, no control character but tab."""
    return not any(c in "`\ufeff\x7f" or (c < " " and c != "\t") or "\udc80" <= c <= "\udcff" for c in text)
