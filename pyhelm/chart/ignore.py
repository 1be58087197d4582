"""Helm's .helmignore: Go's file globs, one a line, with the odd meaning Helm gives to negation.

A pattern without a slash is matched against the base name, one with a slash against the whole path from the chart's
root; a trailing slash asks for a directory; a leading `!` negates, and then every path that does *not* match is
ignored. `**` is refused, as Helm refuses it.
"""

from __future__ import annotations

import re

from pyhelm.errors import ChartError
from pyhelm.records import dataclass

ALWAYS = "templates/.?*"
"""What is ignored in every chart: hidden files of templates/."""


@dataclass(frozen=True, slots=True)
class Pattern:
    regex: re.Pattern[str]
    negate: bool
    directories: bool
    whole_path: bool

    def matches(self, path: str) -> bool:
        return self.regex.fullmatch(path if self.whole_path else path.rpartition("/")[2]) is not None


@dataclass(frozen=True, slots=True)
class Rules:
    """The patterns of one .helmignore, in order."""

    patterns: tuple[Pattern, ...]

    @classmethod
    def parse(cls, text: str) -> Rules:
        """Read a .helmignore; raises ChartError on `**` and on broken globs."""
        lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
        rules = [line for line in lines if line and not line.startswith("#")]
        return cls(tuple(_pattern(rule) for rule in [*rules, ALWAYS]))

    def ignore(self, path: str, is_directory: bool) -> bool:
        """Whether `path` (from the chart's root, forward slashes) is left out."""
        for pattern in self.patterns:
            if pattern.negate:
                if (pattern.directories and not is_directory) or not pattern.matches(path):
                    return True
            elif (is_directory or not pattern.directories) and pattern.matches(path):
                return True
        return False


def _pattern(rule: str) -> Pattern:
    if "**" in rule:
        raise ChartError("double-star (**) syntax is not supported")
    negate = rule.startswith("!")
    rule = rule.removeprefix("!")
    directories = rule.endswith("/")
    rule = rule.removesuffix("/") if directories else rule
    return Pattern(glob(rule.removeprefix("/")), negate, directories, "/" in rule)


def glob(pattern: str) -> re.Pattern[str]:
    """Go's filepath.Match as a regular expression; raises ChartError where Go says ErrBadPattern."""
    out: list[str] = []
    i = 0
    while i < len(pattern):
        char = pattern[i]
        i += 1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            text, i = _class(pattern, i)
            out.append(text)
        elif char == "\\":
            if i == len(pattern):
                raise ChartError("syntax error in pattern")
            out.append(re.escape(pattern[i]))
            i += 1
        else:
            out.append(re.escape(char))
    return re.compile("".join(out), re.DOTALL)


def _class(pattern: str, i: int) -> tuple[str, int]:
    """A character class from behind its `[`; answers it and the place behind its `]`."""
    negate = pattern.startswith("^", i)
    i += negate
    parts: list[str] = []
    while not (parts and pattern.startswith("]", i)):
        low, i = _class_char(pattern, i)
        high = low
        if pattern.startswith("-", i):
            high, i = _class_char(pattern, i + 1)
        if low <= high:
            parts.append(re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}")
        else:
            parts.append("")
    inside = "".join(parts)
    if not inside:
        return ("[^/]" if negate else "(?!)"), i + 1
    return f"(?!/)[{'^' if negate else ''}{inside}]", i + 1


def _class_char(pattern: str, i: int) -> tuple[str, int]:
    if i >= len(pattern) or pattern[i] in "-]":
        raise ChartError("syntax error in pattern")
    if pattern[i] == "\\":
        i += 1
        if i >= len(pattern):
            raise ChartError("syntax error in pattern")
    if i + 1 >= len(pattern):
        raise ChartError("syntax error in pattern")
    return pattern[i], i + 1
