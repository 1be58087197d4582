"""Flags as pflag has them: long and short forms, values by `=` or as the next word, and its exact complaints.

A small parser of our own, since argparse neither knows optional values (`--wait[=watcher]`) nor says what Helm says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pyhelm.errors import PyhelmError
from pyhelm.patterns import lazy
from pyhelm.records import dataclass, field


class UsageError(PyhelmError):
    """A command line that cannot be understood."""


class HelpWanted(Exception):
    """`--help` was given."""


Parse = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag. `parse` reads its text and raises ValueError with Go's words; `bare` is its value without one."""

    name: str
    short: str = ""
    help: str = ""
    parse: Parse = str
    default: Any = ""
    bare: str | None = None
    many: bool = False
    """Repeatable: values are collected in a list."""
    splits: bool = False
    """A repeatable flag whose values hold several, separated by commas."""
    deprecated: str = ""
    hidden: bool = False
    alias_of: str = ""
    """Sets another flag instead of itself."""
    kind: str = "string"
    """The word help shows for its value; "" for booleans."""


def boolean(name: str, help: str, short: str = "", **more: Any) -> Flag:
    default = more.pop("default", False)
    return Flag(name=name, short=short, help=help, parse=parse_bool, bare="true", default=default, kind="", **more)


def text(name: str, help: str, short: str = "", default: str = "", **more: Any) -> Flag:
    return Flag(name=name, short=short, help=help, default=default, **more)


def array(name: str, help: str, short: str = "", **more: Any) -> Flag:
    return Flag(name=name, short=short, help=help, default=(), many=True, kind="stringArray", **more)


def strings(name: str, help: str, short: str = "") -> Flag:
    return Flag(name=name, short=short, help=help, default=(), many=True, splits=True, kind="strings")


def pairs(name: str, help: str, short: str = "") -> Flag:
    return Flag(name=name, short=short, help=help, default=(), many=True, splits=True, kind="stringToString")


def number(name: str, help: str, default: int = 0, short: str = "") -> Flag:
    return Flag(name=name, short=short, help=help, parse=parse_int, default=default, kind="int")


def duration(name: str, help: str, default: float) -> Flag:
    return Flag(name=name, help=help, parse=parse_duration, default=default, kind="duration")


def parse_bool(value: str) -> bool:
    if value in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if value in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{value}": invalid syntax')


def parse_int(value: str) -> int:
    try:
        return int(value, 0)
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{value}": invalid syntax') from None


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = lazy(r"(\d*\.?\d*)([^\d.]*)")


def parse_duration(value: str) -> float:
    """Go's time.ParseDuration, in seconds. Raises ValueError with its words."""
    rest = value[1:] if value[:1] in ("-", "+") else value
    if rest == "0":
        return 0.0
    if not rest:
        raise ValueError(f'time: invalid duration "{value}"')
    total = 0.0
    while rest:
        found = _PART.match(rest)
        if found is None or not found.group(1).strip("."):
            raise ValueError(f'time: invalid duration "{value}"')
        if not found.group(2):
            raise ValueError(f'time: missing unit in duration "{value}"')
        if found.group(2) not in _UNITS:
            raise ValueError(f'time: unknown unit "{found.group(2)}" in duration "{value}"')
        total += float(found.group(1)) * _UNITS[found.group(2)]
        rest = rest[found.end() :]
    return -total if value[:1] == "-" else total


@dataclass(slots=True)
class Parsed:
    """Values by flag name, which flags were given, the other words, and deprecations to tell."""

    values: dict[str, Any] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


class Parser:
    """A set of flags. `interspersed` lets flags stand between other words, as Helm's do."""

    def __init__(self, flags: Sequence[Flag], *, interspersed: bool = True) -> None:
        self.flags = {flag.name: flag for flag in flags}
        self._short = {flag.short: flag for flag in flags if flag.short}
        self._interspersed = interspersed

    def parse(self, argv: Sequence[str]) -> Parsed:
        """Raises UsageError with pflag's words, HelpWanted for --help."""
        parsed = Parsed({flag.name: _initial(flag) for flag in self.flags.values() if not flag.alias_of})
        rest = list(argv)
        while rest:
            word = rest.pop(0)
            if word == "--":
                parsed.words += rest
                break
            if word.startswith("--"):
                self._long(word, rest, parsed)
            elif word.startswith("-") and word != "-":
                self._shorts(word[1:], rest, parsed)
            else:
                parsed.words.append(word)
                if not self._interspersed:
                    parsed.words += rest
                    break
        return parsed

    def _long(self, word: str, rest: list[str], parsed: Parsed) -> None:
        name, separator, value = word[2:].partition("=")
        if not name or name[0] in "-=":
            raise UsageError(f"bad flag syntax: {word}")
        flag = self.flags.get(name)
        if flag is None:
            if name == "help":
                raise HelpWanted
            raise UsageError(f"unknown flag: --{name}")
        if not separator:
            if flag.bare is not None:
                value = flag.bare
            elif rest:
                value = rest.pop(0)
            else:
                raise UsageError(f"flag needs an argument: --{name}")
        self._set(flag, value, parsed)

    def _shorts(self, letters: str, rest: list[str], parsed: Parsed) -> None:
        whole = letters
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = self._short.get(letter)
            if flag is None:
                if letter == "h":
                    raise HelpWanted
                raise UsageError(f"unknown shorthand flag: {letter!r} in -{whole}")
            if letters.startswith("="):
                value, letters = letters[1:], ""
            elif flag.bare is not None:
                value = flag.bare
            elif letters:
                value, letters = letters, ""
            elif rest:
                value = rest.pop(0)
            else:
                raise UsageError(f"flag needs an argument: {letter!r} in -{whole}")
            self._set(flag, value, parsed)

    def _set(self, flag: Flag, value: str, parsed: Parsed) -> None:
        name = flag.alias_of or flag.name
        try:
            parts = _comma_parts(value) if flag.splits else [value]
            found = [flag.parse(part) for part in parts]
            if flag.kind == "stringToString":
                _check_pairs(parts)
        except ValueError as error:
            said = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
            raise UsageError(f'invalid argument "{value}" for "{said}" flag: {error}') from error
        if flag.many:
            parsed.values[name] = [*parsed.values[name], *found] if name in parsed.given else found
        else:
            parsed.values[name] = found[0]
        parsed.given.add(name)
        parsed.given.add(flag.name)
        if flag.deprecated:
            parsed.notices.append(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")


def _initial(flag: Flag) -> Any:
    return list(flag.default) if flag.many else flag.default


def _comma_parts(value: str) -> list[str]:
    """Comma-separated values with CSV quoting; no value at all is no part."""
    if not value:
        return []
    import csv
    import io

    return next(csv.reader(io.StringIO(value)), [])


def _check_pairs(parts: Sequence[str]) -> None:
    for part in parts:
        if "=" not in part:
            raise ValueError(f"{part} must be formatted as key=value")


def pairs_of(values: Sequence[str]) -> dict[str, str]:
    """key=value words as a dict."""
    return dict(word.partition("=")[::2] for word in values)


def exclusive(parsed: Parsed, names: Sequence[str]) -> None:
    """Raise UsageError where more than one of the flags was given."""
    given = [name for name in names if name in parsed.given]
    if len(given) > 1:
        group, used = " ".join(names), " ".join(sorted(given))
        raise UsageError(
            f"if any flags in the group [{group}] are set none of the others can be; [{used}] were all set"
        )
