"""How libyaml's emitter, as go-yaml carries it, may write a text: plain, quoted or as a literal block, and folded.

The analysis answers which styles a text allows; the writers fold at spaces once a line has passed column 80.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from pyhelm.patterns import lazy

__all__ = ["WIDTH", "Analysis", "analyze", "block_hint", "double_quoted", "fold_plain", "single_quoted"]

WIDTH = 80

_INDICATORS = frozenset("#,[]{}&*!|>'\"%@`")
_BREAKS = "\r\n\x85\u2028\u2029"
_BLANKS = " \t"
# Alternatives of few ranges each: one class over all of Unicode takes milliseconds to compile.
_SPECIAL = lazy(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]|[\ud800-\udfff\ufeff]|[\ufffe-\U0010ffff]")
_SPECIAL_V3 = lazy(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|[\ud800-\udfff\ufeff]|[\ufffe-\U0010ffff]")


class Analysis(NamedTuple):
    """The styles a text allows outside flow collections."""

    multiline: bool
    plain: bool
    single: bool
    block: bool


def analyze(text: str, v3: bool = False) -> Analysis:
    """What `yaml_emitter_analyze_scalar` finds. go-yaml v3 lets tabs stand in blocks."""
    if not text:
        return Analysis(False, True, True, False)
    special = (_SPECIAL_V3 if v3 else _SPECIAL).search(text) is not None
    tabs = v3 and "\t" in text
    breaks = any(mark in text for mark in _BREAKS)
    leading, trailing = text[0] in _BREAKS or text[0] == " ", text[-1] in _BREAKS or text[-1] == " "
    break_space = breaks and any(a in _BREAKS and b == " " for a, b in pairwise(text))
    space_break = breaks and any(a == " " and b in _BREAKS for a, b in pairwise(text))
    plain = not (leading or trailing or break_space or space_break or special or tabs or breaks or _has_indicator(text))
    return Analysis(
        multiline=breaks,
        plain=plain,
        single=not (break_space or space_break or special or tabs),
        block=not (text[-1] == " " or space_break or special),
    )


def _has_indicator(text: str) -> bool:
    """Whether the text cannot stand plain in block context: `- x`, `a: b`, `a #b`, leading special characters."""
    first = text[0]
    if text[:3] in ("---", "...") or first in _INDICATORS:
        return True
    if first in "?:-" and (len(text) == 1 or text[1] in _BLANKS or text[1] in _BREAKS):
        return True
    if ":" in text and (text[-1] == ":" or any(text[i + 1] in _BLANKS or text[i + 1] in _BREAKS for i in _finds(text))):
        return True
    return "#" in text and any(
        text[i - 1] in _BLANKS or text[i - 1] in _BREAKS for i in range(1, len(text)) if text[i] == "#"
    )


def _finds(text: str) -> list[int]:
    return [i for i, char in enumerate(text[:-1]) if char == ":"]


def fold_plain(text: str, column: int, indent: int) -> str:
    """A plain text whose first character stands at `column`, broken at single spaces beyond the width."""
    return _fold(text, column, indent, 0, len(text))


def _fold(text: str, column: int, indent: int, first: int, end: int) -> str:
    if column + len(text) <= WIDTH:
        return text
    out: list[str] = []
    spaces = False
    pad = "\n" + " " * indent
    for place, char in enumerate(text):
        if char == " ":
            lone = place + 1 >= len(text) or text[place + 1] != " "
            if not spaces and column > WIDTH and lone and first <= place < end:
                out.append(pad)
                column = indent
            else:
                out.append(char)
                column += 1
            spaces = True
        else:
            out.append(char)
            column += 1
            spaces = False
    return "".join(out)


def single_quoted(text: str, column: int, indent: int, fold: bool) -> str:
    """`'…'` with its opening quote at `column`."""
    if not any(mark in text for mark in _BREAKS):
        escaped = text.replace("'", "''")
        if not fold or column + 1 + len(escaped) <= WIDTH:
            return f"'{escaped}'"
        return "'" + _fold_single(text, column + 1, indent) + "'"
    return "'" + _single_multiline(text, indent) + "'"


def _fold_single(text: str, column: int, indent: int) -> str:
    out: list[str] = []
    spaces = False
    for place, char in enumerate(text):
        if char != " ":
            out.append("''" if char == "'" else char)
            column += 2 if char == "'" else 1
            spaces = False
            continue
        inside = 0 < place < len(text) - 1 and text[place + 1] != " "
        if not spaces and column > WIDTH and inside:
            out.append("\n" + " " * indent)
            column = indent
        else:
            out.append(" ")
            column += 1
        spaces = True
    return "".join(out)


def _single_multiline(text: str, indent: int) -> str:
    out: list[str] = []
    breaks = False
    for char in text:
        if char in _BREAKS:
            if not breaks and char == "\n":
                out.append("\n")
            out.append("\n" if char == "\r" else char)
            breaks = True
            continue
        if breaks:
            out.append(" " * indent)
        out.append("''" if char == "'" else char)
        breaks = False
    return "".join(out)


_ESCAPES = {
    0: "0", 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "e", 34: '"', 92: "\\",
    0x85: "N", 0xA0: "_", 0x2028: "L", 0x2029: "P",
}  # fmt: skip
_TO_ESCAPE = lazy(r'["\\\x00-\x1f\x7f-\x9f]|[\u2028\u2029]|[\ud800-\udfff\ufeff]|[\ufffe-\U0010ffff]')


def _escape(char: str) -> str:
    code = ord(char)
    if code in _ESCAPES:
        return "\\" + _ESCAPES[code]
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def double_quoted(text: str, column: int, indent: int, fold: bool) -> str:
    """`"…"` with its opening quote at `column`."""
    escaped = _TO_ESCAPE.sub(lambda found: _escape(found[0]), text)
    if not fold or column + 1 + len(escaped) <= WIDTH or " " not in text:
        return f'"{escaped}"'
    return '"' + _fold_double(text, column + 1, indent) + '"'


def _fold_double(text: str, column: int, indent: int) -> str:
    out: list[str] = []
    spaces = False
    for place, char in enumerate(text):
        if char != " ":
            shown = _escape(char) if _TO_ESCAPE.match(char) else char
            out.append(shown)
            column += len(shown)
            spaces = False
            continue
        if not spaces and column > WIDTH and 0 < place < len(text) - 1:
            guard = "\\" if text[place + 1] == " " else ""
            out.append("\n" + " " * indent + guard)
            column = indent + len(guard)
        else:
            out.append(" ")
            column += 1
        spaces = True
    return "".join(out)


def block_hint(text: str, indent_hint: int = 2) -> str:
    """What follows `|`: the indentation when the text begins with space, and how its end is kept."""
    hint = str(indent_hint) if text[0] == " " or text[0] in _BREAKS else ""
    if text[-1] not in _BREAKS:
        return hint + "-"
    return hint + "+" if len(text) == 1 or text[-2] in _BREAKS else hint
