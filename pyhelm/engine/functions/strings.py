"""Text: trimming, cutting, casing, padding, splitting. Lengths and cuts count bytes, as Go's do."""

from __future__ import annotations

from typing import Any

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.engine.goprint import text_of
from pyhelm.formats.gotypes import StringList, StringMap
from pyhelm.formats.quoting import quote as go_quote

__all__ = [
    "abbrev", "abbrevboth", "camelcase", "cat", "contains", "has_prefix", "has_suffix", "hello", "indent",
    "initials", "join", "kebabcase", "lower", "nindent", "nospace", "plural", "quote", "repeat", "replace",
    "snakecase", "sort_alpha", "split", "split_list", "splitn", "squote", "substr", "swapcase", "title",
    "to_string", "to_strings", "trim", "trim_all", "trim_prefix", "trim_suffix", "trunc", "untitle", "upper",
    "wrap", "wrap_with",
]  # fmt: skip

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_SPACE = frozenset(SPACE)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def to_string(value: Any) -> str:
    """Text as it is, bytes as text, everything else as `%v`."""
    if type(value) is str:
        return value
    return _text(value) if isinstance(value, bytes) else text_of(value)


def to_strings(value: Any) -> list[str]:
    """The items that are not nil, as text; anything but a list is a list of one."""
    if isinstance(value, (list, tuple)):
        return StringList([to_string(item) for item in value if item is not None])
    if isinstance(value, bytes):
        return StringList([str(byte) for byte in value])
    return StringList() if value is None else StringList([to_string(value)])


def sort_alpha(value: Any) -> list[str]:
    """The items as text, in byte order."""
    if isinstance(value, (list, tuple, bytes)):
        return StringList(sorted(to_strings(value)))
    return StringList([to_string(value)])


def join(separator: str, value: Any) -> str:
    """The items as text with a separator between them; nil items are left out."""
    if type(value) is StringList:
        return separator.join(value)
    return separator.join(to_strings(value))


def hello() -> str:
    """sprig's greeting."""
    return "Hello!"


def quote(*values: Any) -> str:
    """Each in double quotes with Go's escapes; nil is left out."""
    if len(values) == 1 and type(values[0]) is str:
        return go_quote(values[0])
    return " ".join([go_quote(to_string(value)) for value in values if value is not None])


def squote(*values: Any) -> str:
    """Each in single quotes, nothing escaped; nil is left out."""
    return " ".join([f"'{text_of(value)}'" for value in values if value is not None])


def cat(*values: Any) -> str:
    """All that are not nil, with spaces between them."""
    return " ".join([text_of(value) for value in values if value is not None])


def trim(text: str) -> str:
    """Without the white space around it."""
    return text.strip(SPACE)


def trim_all(cutset: str, text: str) -> str:
    """Without the characters of `cutset` around it."""
    return text.strip(cutset) if cutset else text


def trim_prefix(prefix: str, text: str) -> str:
    """Without the prefix."""
    return text.removeprefix(prefix)


def trim_suffix(suffix: str, text: str) -> str:
    """Without the suffix."""
    return text.removesuffix(suffix)


def contains(part: str, text: str) -> bool:
    """Whether the part occurs."""
    return part in text


def has_prefix(prefix: str, text: str) -> bool:
    """Whether it begins so."""
    return text.startswith(prefix)


def has_suffix(suffix: str, text: str) -> bool:
    """Whether it ends so."""
    return text.endswith(suffix)


def replace(old: str, new: str, text: str) -> str:
    """Every occurrence; an empty `old` stands between all characters."""
    return text.replace(old, new)


def plural(one: str, many: str, count: int) -> str:
    """The singular for 1, else the plural."""
    return one if count == 1 else many


def repeat(count: int, text: str) -> str:
    """The text `count` times."""
    if count < 0:
        raise GoCallError("strings: negative Repeat count")
    return text * count


def indent(spaces: int, text: str) -> str:
    """Every line, empty ones too, moved right."""
    pad = " " * _not_negative(spaces)
    return pad + text.replace("\n", "\n" + pad)


def nindent(spaces: int, text: str) -> str:
    """A newline, then `indent`."""
    pad = "\n" + " " * _not_negative(spaces)
    return pad + text.replace("\n", pad)


def _not_negative(count: int) -> int:
    if count < 0:
        raise GoCallError("strings: negative Repeat count")
    return count


def trunc(count: int, text: str) -> str:
    """The first `count` bytes, or the last for a negative count."""
    if text.isascii():
        if count < 0:
            return text[count:] if len(text) + count > 0 else text
        return text[:count]
    data = _bytes(text)
    if count < 0:
        return _text(data[count:]) if len(data) + count > 0 else text
    return _text(data[:count])


def substr(start: int, end: int, text: str) -> str:
    """Bytes from `start` to `end`; a negative start means the beginning, a negative end the end."""
    data = _bytes(text)
    if start < 0:
        low, high = 0, end
    elif end < 0 or end > len(data):
        low, high = start, len(data)
    else:
        low, high = start, end
    if not 0 <= low <= high <= len(data):
        raise GoCallError(_bounds(low, high, len(data), start < 0))
    return _text(data[low:high])


def _bounds(low: int, high: int, length: int, from_head: bool) -> str:
    if from_head:
        shown = f"[:{high}]"
        if high < 0:
            return f"runtime error: slice bounds out of range {shown}"
        return f"runtime error: slice bounds out of range {shown} with length {length}"
    return f"runtime error: slice bounds out of range [{low}:{high}]"


def abbrev(width: int, text: str) -> str:
    """At most `width` bytes, the end replaced by `...`."""
    return text if width < 4 else _abbreviate(_bytes(text), 0, width)


def abbrevboth(left: int, right: int, text: str) -> str:
    """Cut on both sides around the offset `left`, to `right` bytes."""
    if right < 4 or (left > 0 and right < 7):
        return text
    return _abbreviate(_bytes(text), left, right)


def _abbreviate(data: bytes, offset: int, width: int) -> str:
    if len(data) <= width:
        return _text(data)
    offset = min(offset, len(data))
    if len(data) - offset < width - 3:
        offset = len(data) - (width - 3)
    if offset <= 4:
        return _text(data[: width - 3]) + "..."
    if width < 7:
        return ""
    if offset + width - 3 < len(data):
        rest = data[offset:]
        return "..." + (_abbreviate(rest, 0, width - 3) if width - 3 >= 4 else "")
    return "..." + _text(data[len(data) - (width - 3) :])


def _map_case(text: str, simple: str) -> str:
    return "".join([char if len(mapped := getattr(char, simple)()) != 1 else mapped for char in text])


def upper(text: str) -> str:
    """Upper case, character by character."""
    return text.upper() if text.isascii() else _map_case(text, "upper")


def lower(text: str) -> str:
    """Lower case, character by character."""
    return text.lower() if text.isascii() else "".join([char.lower()[0] for char in text])


def _is_separator(char: str) -> bool:
    if char < "\x80":
        return not (char.isalnum() or char == "_")
    return not char.isalpha() and not char.isdecimal() and char in _SPACE


def title(text: str) -> str:
    """The first letter of every word in title case."""
    out: list[str] = []
    before = " "
    for char in text:
        out.append(_title_char(char) if _is_separator(before) else char)
        before = char
    return "".join(out)


def _title_char(char: str) -> str:
    mapped = char.title()
    return mapped if len(mapped) == 1 else char


def untitle(text: str) -> str:
    """The first letter of every word in lower case."""
    return _at_words(text, lambda char: lower(char))


def _at_words(text: str, change: Any) -> str:
    out: list[str] = []
    begins = True
    for char in text:
        if char in _SPACE:
            begins = True
        elif begins:
            char = change(char)
            begins = False
        out.append(char)
    return "".join(out)


def _each_byte(text: str) -> str:
    """The text with every byte as a character of its own, as goutils walks over it."""
    return text if text.isascii() else _bytes(text).decode("latin-1")


def initials(text: str) -> str:
    """The first byte of every word."""
    out: list[str] = []

    def keep(char: str) -> str:
        out.append(char)
        return char

    _at_words(_each_byte(text), keep)
    return "".join(out)


def nospace(text: str) -> str:
    """Without any white space, byte by byte; text that has none stays whole."""
    chars = _each_byte(text)
    kept = "".join([char for char in chars if char not in _SPACE])
    return text if len(kept) == len(chars) else kept


def swapcase(text: str) -> str:
    """Upper for lower and the other way; a lower letter after white space gets title case."""
    out: list[str] = []
    after_space = True
    for char in text:
        if char.isupper() or char.istitle():
            out.append(lower(char))
            after_space = False
        elif char.islower():
            out.append(_title_char(char) if after_space else upper(char))
            after_space = False
        else:
            out.append(char)
            after_space = char in _SPACE
    return "".join(out)


def split(separator: str, text: str) -> dict[str, str]:
    """The parts as a map with the keys _0, _1 …"""
    return _numbered(_split(text, separator, -1))


def splitn(separator: str, count: int, text: str) -> dict[str, str]:
    """At most `count` parts, the last unsplit."""
    return _numbered(_split(text, separator, count))


def split_list(separator: str, text: str) -> list[str]:
    """The parts as a list."""
    return StringList(_split(text, separator, -1))


def _split(text: str, separator: str, count: int) -> list[str]:
    if count == 0:
        return []
    if separator:
        return text.split(separator, count - 1 if count > 0 else -1)
    if count < 0 or count >= len(text):
        return list(text)
    return [*text[: count - 1], text[count - 1 :]]


def _numbered(parts: list[str]) -> dict[str, str]:
    return StringMap({f"_{place}": part for place, part in enumerate(parts)})


def wrap(width: int, text: str) -> str:
    """Broken at spaces into lines of at most `width` bytes; long words stay whole."""
    return _wrap(_bytes(text), width, b"\n", False)


def wrap_with(width: int, newline: str, text: str) -> str:
    """The same with another line end; long words are cut."""
    return _wrap(_bytes(text), width, _bytes(newline) or b"\n", True)


def _wrap(data: bytes, width: int, newline: bytes, cut_words: bool) -> str:
    width = max(width, 1)
    out: list[bytes] = []
    offset = 0
    while len(data) - offset > width:
        if data[offset : offset + 1] == b" ":
            offset += 1
            continue
        space = data.rfind(b" ", offset, offset + width + 1)
        if space < 0 and not cut_words:
            space = data.find(b" ", offset + width)
            if space < 0:
                break
        if space >= 0:
            out += (data[offset:space], newline)
            offset = space + 1
        else:
            out += (data[offset : offset + width], newline)
            offset += width
    out.append(data[offset:])
    return _text(b"".join(out))


def snakecase(text: str) -> str:
    """`HTTPServer` as `http_server`."""
    from pyhelm.engine.functions.casing import connected

    return connected(text, "_")


def kebabcase(text: str) -> str:
    """`HTTPServer` as `http-server`."""
    from pyhelm.engine.functions.casing import connected

    return connected(text, "-")


def camelcase(text: str) -> str:
    """`http_server` as `HttpServer`."""
    from pyhelm.engine.functions.casing import pascal

    return pascal(text)
