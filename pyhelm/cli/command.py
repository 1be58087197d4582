"""What a command is: its words, flags and number of arguments, and the call its module is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from pyhelm.cli.flags import Flag, Parsed, UsageError
from pyhelm.records import dataclass

if TYPE_CHECKING:
    from pyhelm.cli.settings import Settings

Check = Callable[[str, str, Sequence[str]], None]
"""(command path, usage, words): raises UsageError for a wrong number of arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command. `use` is what follows the command's own words in its usage line, flags left out."""

    path: str
    use: str = ""
    short: str
    long: str = ""
    flags: tuple[Flag, ...] = ()
    args: Check
    run: Callable[[Call], int | None]
    aliases: tuple[str, ...] = ()
    passes_flags: bool = False
    """Everything after the command's name goes to it unparsed."""

    def usage(self, program: str) -> str:
        own = " [flags]" if not self.passes_flags else ""
        return f"{program} {self.path}{' ' + self.use if self.use else ''}{own}"


@dataclass(slots=True)
class Call:
    """One invocation: parsed flags, words, streams, environment."""

    command: Command
    parsed: Parsed
    settings: Settings
    stdout: TextIO
    stderr: TextIO
    stdin: TextIO
    environ: Mapping[str, str]
    program: str = "helm"
    cluster_told: bool = False
    """Whether the user knows by now which cluster this talks to."""

    @property
    def words(self) -> list[str]:
        return self.parsed.words

    def __getitem__(self, flag: str) -> Any:
        return self.parsed.values[flag]

    def given(self, flag: str) -> bool:
        return flag in self.parsed.given

    def out(self, line: str = "") -> None:
        self.stdout.write(line + "\n")

    def err(self, line: str) -> None:
        self.stderr.write(line + "\n")

    def warn(self, line: str) -> None:
        self.err(f"WARNING: {line}")


def no_args(path: str, usage: str, words: Sequence[str]) -> None:
    if words:
        raise UsageError(f'"{path}" accepts no arguments\n\nUsage:  {usage}')


def exact_args(count: int) -> Check:
    def check(path: str, usage: str, words: Sequence[str]) -> None:
        if len(words) != count:
            raise UsageError(f'"{path}" requires {count} {_arguments(count)}\n\nUsage:  {usage}')

    return check


def min_args(count: int) -> Check:
    def check(path: str, usage: str, words: Sequence[str]) -> None:
        if len(words) < count:
            raise UsageError(f'"{path}" requires at least {count} {_arguments(count)}\n\nUsage:  {usage}')

    return check


def max_args(count: int) -> Check:
    def check(path: str, usage: str, words: Sequence[str]) -> None:
        if len(words) > count:
            raise UsageError(f'"{path}" accepts at most {count} {_arguments(count)}\n\nUsage:  {usage}')

    return check


def any_args(path: str, usage: str, words: Sequence[str]) -> None:
    """Everything goes."""


def _arguments(count: int) -> str:
    return "argument" if count == 1 else "arguments"
