"""The glob patterns of `.Files.Glob`: `*` stops at a slash, `**` does not, `?`, `[a-z]`, `[!a]`, `{a,b}`, `\\x`.

A pattern that cannot be read stands for `**`, as in Helm.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["matcher"]


class _BadPattern(Exception):
    pass


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a path matches."""
    try:
        compiled = re.compile(_translate(pattern), re.S)
    except (_BadPattern, re.error):
        return lambda path: True
    return lambda path: compiled.fullmatch(path) is not None


def _translate(pattern: str) -> str:
    out: list[str] = []
    position, braces = 0, 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            if pattern.startswith("*", position):
                while pattern.startswith("*", position):
                    position += 1
                out.append(".*")
            else:
                out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            text, position = _class(pattern, position)
            out.append(text)
        elif char == "{":
            braces += 1
            out.append("(?:")
        elif char == "}" and braces:
            braces -= 1
            out.append(")")
        elif char == "," and braces:
            out.append("|")
        elif char == "\\":
            if position >= len(pattern):
                raise _BadPattern
            out.append(re.escape(pattern[position]))
            position += 1
        else:
            out.append(re.escape(char))
    if braces:
        raise _BadPattern
    return "".join(out)


def _class(pattern: str, position: int) -> tuple[str, int]:
    end = pattern.find("]", position)
    if end <= position:
        raise _BadPattern
    body = pattern[position:end]
    negated = body.startswith("!")
    body = body[1:] if negated else body
    if not body:
        raise _BadPattern
    if len(body) == 3 and body[1] == "-":
        inner = f"{re.escape(body[0])}-{re.escape(body[2])}"
    else:
        inner = re.escape(body)
    return f"[{'^' if negated else ''}{inner}]", end + 1
