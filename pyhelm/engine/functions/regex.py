"""Regular expressions: RE2's syntax and Go's matching rules, with Go's error texts.

Text is matched as UTF-8 bytes. Compiled expressions are kept. The engine behind is google-re2, imported here and so
only when a template uses a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.formats.gotypes import NilStringList, StringList
from pyhelm.formats.regexp import RegexpError, compile_regexp

__all__ = [
    "find", "find_all", "match", "must_find", "must_find_all", "must_match", "must_replace_all",
    "must_replace_literal", "must_split", "quote_meta", "replace_all", "replace_literal", "split",
]  # fmt: skip


def _compile(pattern: str) -> Any:
    return compile_regexp(_bytes(pattern))


def _must(pattern: str) -> Any:
    try:
        return _compile(pattern)
    except RegexpError as error:
        raise GoCallError(str(error)) from None


def _panicking(pattern: str) -> Any:
    """regexp.MustCompile's panic names the expression."""
    try:
        return _compile(pattern)
    except RegexpError as error:
        shown = f"`{pattern}`" if "`" not in pattern else f'"{pattern}"'
        raise GoCallError(f"regexp: Compile({shown}): {error}") from None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _width(data: bytes, at: int) -> int:
    """Bytes of the character at a place."""
    first = data[at] if at < len(data) else 0
    width = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    return min(width, max(len(data) - at, 1))


def _matches(regex: Any, data: bytes, limit: int = -1) -> Iterator[Any]:
    """Matches one after another; an empty match right after another does not count."""
    position, previous_end = 0, -1
    while limit != 0 and position <= len(data):
        found = regex.search(data, position)
        if found is None:
            return
        start, end = found.span()
        accepted = True
        if end == position:
            accepted = start != previous_end
            position += _width(data, position)
        else:
            position = end
        previous_end = end
        if accepted:
            yield found
            limit -= 1


def match(pattern: str, text: str) -> bool:
    """Whether the expression occurs; a bad one does not."""
    try:
        return _compile(pattern).search(_bytes(text)) is not None
    except RegexpError:
        return False


def must_match(pattern: str, text: str) -> bool:
    """Whether the expression occurs."""
    return _must(pattern).search(_bytes(text)) is not None


def _find(regex: Any, text: str) -> str:
    found = regex.search(_bytes(text))
    return _text(found.group()) if found is not None else ""


def find(pattern: str, text: str) -> str:
    """The first match, "" when there is none."""
    return _find(_panicking(pattern), text)


def must_find(pattern: str, text: str) -> str:
    """The first match, "" when there is none."""
    return _find(_must(pattern), text)


def _find_all(regex: Any, text: str, count: int) -> list[str]:
    found = [_text(item.group()) for item in _matches(regex, _bytes(text), count)]
    return StringList(found) if found else NilStringList()


def find_all(pattern: str, text: str, count: int) -> list[str]:
    """The first `count` matches, all for a negative count."""
    return _find_all(_panicking(pattern), text, count)


def must_find_all(pattern: str, text: str, count: int) -> list[str]:
    """The first `count` matches, all for a negative count."""
    return _find_all(_must(pattern), text, count)


_REFERENCE = re.compile(rb"\$(?:(\$)|(\w+)|\{(\w+)\})", re.A)


def _expanded(found: Any, template: bytes, names: dict[str, int]) -> bytes:
    def put(reference: re.Match[bytes]) -> bytes:
        if reference[1]:
            return b"$"
        name = (reference[2] or reference[3]).decode("ascii")
        number = int(name) if name.isdigit() else names.get(name, -1)
        if not 0 <= number <= found.re.groups:
            return b""
        return bytes(found.group(number) or b"")

    return _REFERENCE.sub(put, template)


def _replace(regex: Any, text: str, replacement: str, literal: bool) -> str:
    data, template = _bytes(text), _bytes(replacement)
    names = {_name(key): value for key, value in regex.groupindex.items()}
    literal = literal or b"$" not in template
    out: list[bytes] = []
    end = 0
    for found in _replaceable(regex, data):
        start, stop = found.span()
        out += (data[end:start], template if literal else _expanded(found, template, names))
        end = stop
    out.append(data[end:])
    return _text(b"".join(out))


def _name(key: str | bytes) -> str:
    return key.decode("utf-8") if isinstance(key, bytes) else key


def _replaceable(regex: Any, data: bytes) -> Iterator[Any]:
    """The matches ReplaceAll replaces: an empty match where the last one ended is passed over."""
    position, last_end = 0, 0
    while position <= len(data):
        found = regex.search(data, position)
        if found is None:
            return
        start, end = found.span()
        if end > last_end or start == 0:
            yield found
        last_end = end
        if position + _width(data, position) > end:
            position += _width(data, position)
        elif position + 1 > end:
            position += 1
        else:
            position = end


def replace_all(pattern: str, text: str, replacement: str) -> str:
    """Every match replaced; `$1` and `${name}` stand for groups."""
    return _replace(_panicking(pattern), text, replacement, False)


def must_replace_all(pattern: str, text: str, replacement: str) -> str:
    """Every match replaced; `$1` and `${name}` stand for groups."""
    return _replace(_must(pattern), text, replacement, False)


def replace_literal(pattern: str, text: str, replacement: str) -> str:
    """Every match replaced by the text as it stands."""
    return _replace(_panicking(pattern), text, replacement, True)


def must_replace_literal(pattern: str, text: str, replacement: str) -> str:
    """Every match replaced by the text as it stands."""
    return _replace(_must(pattern), text, replacement, True)


def _split(regex: Any, pattern: str, text: str, count: int) -> list[str]:
    if count == 0:
        return NilStringList()
    data = _bytes(text)
    if pattern and not data:
        return StringList([""])
    parts: list[str] = []
    begin = end = 0
    for found in _matches(regex, data, count):
        if count > 0 and len(parts) == count - 1:
            break
        end = found.start()
        if found.end() != 0:
            parts.append(_text(data[begin:end]))
        begin = found.end()
    if end != len(data):
        parts.append(_text(data[begin:]))
    return StringList(parts)


def split(pattern: str, text: str, count: int) -> list[str]:
    """The pieces between matches, at most `count` when that is positive."""
    return _split(_panicking(pattern), pattern, text, count)


def must_split(pattern: str, text: str, count: int) -> list[str]:
    """The pieces between matches, at most `count` when that is positive."""
    return _split(_must(pattern), pattern, text, count)


_META = re.compile(r"[\\.+*?()|\[\]{}^$]")


def quote_meta(text: str) -> str:
    """The text as an expression that matches itself."""
    return _META.sub(r"\\\g<0>", text)
