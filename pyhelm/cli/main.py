"""The entry: finds the command among the words, imports its module alone, parses, runs, and says what went wrong.

`main` is for tests and vectors: streams and environment are handed in and nothing exits. `run` is the console script.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TextIO

from pyhelm.cli.command import Call, Command
from pyhelm.cli.flags import Flag, HelpWanted, Parser, UsageError
from pyhelm.cli.settings import GLOBAL_FLAGS, read_settings
from pyhelm.errors import ChartError, ManifestError, PyhelmError, TemplateError, ValuesError

COMMANDS: dict[str, str] = {
    "cluster": "cluster",
    "completion": "completion",
    "convert": "convert",
    "create": "create",
    "dependency build": "dependency_build",
    "dependency list": "dependency_list",
    "dependency update": "dependency_update",
    "diff": "diff",
    "env": "env",
    "get all": "get_all",
    "get hooks": "get_hooks",
    "get manifest": "get_manifest",
    "get metadata": "get_metadata",
    "get notes": "get_notes",
    "get values": "get_values",
    "history": "history",
    "install": "install",
    "kubectl": "kubectl",
    "lint": "lint",
    "list": "list",
    "package": "package",
    "pull": "pull",
    "push": "push",
    "repo add": "repo_add",
    "repo index": "repo_index",
    "repo list": "repo_list",
    "repo remove": "repo_remove",
    "repo update": "repo_update",
    "rollback": "rollback",
    "search hub": "search_hub",
    "search repo": "search_repo",
    "show all": "show_all",
    "show chart": "show_chart",
    "show crds": "show_crds",
    "show readme": "show_readme",
    "show values": "show_values",
    "status": "status",
    "template": "template",
    "test": "test",
    "uninstall": "uninstall",
    "upgrade": "upgrade",
    "verify": "verify",
    "version": "version",
}
"""Command path -> module of this package. A module is imported when its command is called, never before."""

ALIASES: dict[str, str] = {
    "dep": "dependency",
    "dependencies": "dependency",
    "dependency ls": "dependency list",
    "dependency up": "dependency update",
    "hist": "history",
    "ls": "list",
    "inspect": "show",
    "fetch": "pull",
    "repo ls": "repo list",
    "repo rm": "repo remove",
    "repo up": "repo update",
    "del": "uninstall",
    "delete": "uninstall",
    "un": "uninstall",
}

# Errors in what the user wrote: they name file and line themselves, a Python trace adds nothing.
_PLAIN = (UsageError, ChartError, ManifestError, TemplateError, ValuesError)

_GROUPS = frozenset(path.partition(" ")[0] for path in COMMANDS if " " in path)


def main(
    argv: Sequence[str],
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    stdin: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
    program: str = "helm",
) -> int:
    """Run one command line (without the program's name). The exit code: 0, or 1 for any error."""
    stdout, stderr, stdin = stdout or sys.stdout, stderr or sys.stderr, stdin or sys.stdin
    environ = os.environ if environ is None else environ
    debug = "--debug" in argv
    try:
        return _dispatch(list(argv), stdout, stderr, stdin, environ, program)
    except PyhelmError as error:
        if debug and not isinstance(error, _PLAIN):
            _trace(stderr)
        stderr.write(f"Error: {error.told or error}\n")
        return 1
    except KeyboardInterrupt:
        stderr.write("Error: interrupted\n")
        return 130


def run() -> None:
    """The console script: streams and environment of the process; exits."""
    program = os.path.basename(sys.argv[0]) or "pyhelm"
    try:
        code = main(sys.argv[1:], program="helm" if program == "helm" else "pyhelm")
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has gone: nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        sys.stderr.write(f"Error: unexpected {type(error).__name__}: {error}. Run again with --debug for the trace\n")
        code = 1
    sys.exit(code)


def _dispatch(
    argv: list[str], stdout: TextIO, stderr: TextIO, stdin: TextIO, environ: Mapping[str, str], program: str
) -> int:
    before, path, rest = _find(argv, program)
    if path is None:
        from pyhelm.cli.help import overview

        stdout.write(overview(program, rest[0] if rest else ""))
        return 0
    command: Command = import_module(f"pyhelm.cli.{COMMANDS[path]}").COMMAND
    parser = Parser([*command.flags, *_globals_of(command)], interspersed=not command.passes_flags)
    try:
        words = [*before, *(["--"] if command.passes_flags else []), *rest]
        parsed = parser.parse(words)
    except HelpWanted:
        from pyhelm.cli.help import describe

        stdout.write(describe(command, program))
        return 0
    for notice in parsed.notices:
        stderr.write(notice + "\n")
    command.args(f"{program} {path}", command.usage(program), parsed.words)
    settings = read_settings(parsed, environ)
    call = Call(command, parsed, settings, stdout, stderr, stdin, environ, program)
    try:
        return command.run(call) or 0
    except PyhelmError as error:
        if program != "helm" and not settings.helm_errors:
            from pyhelm.cli.failures import told

            error.told = told(call, error)
        raise


def _globals_of(command: Command) -> list[Flag]:
    own = {flag.name for flag in command.flags}
    return [flag for flag in GLOBAL_FLAGS if flag.name not in own]


Found = tuple[list[str], str | None, list[str]]


def _find(argv: list[str], program: str) -> Found:
    """(global flags before the command, its path or None for an overview, what follows)."""
    before, rest = _leading_flags(argv)
    if not rest or rest[0] in ("--help", "-h"):
        return before, None, []
    if rest[0] == "help":
        return before, *_help_for(rest[1:], program)
    first = ALIASES.get(rest[0], rest[0])
    if first in COMMANDS:
        return before, first, rest[1:]
    if first not in _GROUPS:
        raise UsageError(_unknown(rest[0], program, list(COMMANDS)))
    return _find_in_group(first, before, rest[1:], program)


def _find_in_group(group: str, before: list[str], rest: list[str], program: str) -> Found:
    flags, words = _leading_flags(rest)
    if not words or words[0] in ("--help", "-h"):
        return before, None, [group]
    path = f"{group} {words[0]}"
    path = ALIASES.get(path, path)
    if path not in COMMANDS:
        raise UsageError(_unknown(words[0], f"{program} {group}", [p for p in COMMANDS if p.startswith(group)]))
    return [*before, *flags], path, words[1:]


def _help_for(words: list[str], program: str) -> tuple[str | None, list[str]]:
    if not words:
        return None, []
    _, path, _ = _find(words, program)
    return (path, ["--help"]) if path else (None, words[:1])


def _leading_flags(argv: list[str]) -> tuple[list[str], list[str]]:
    """Global flags may stand before the command; a flag that takes a value takes the next word with it."""
    known = {f"--{f.name}": f for f in GLOBAL_FLAGS} | {f"-{f.short}": f for f in GLOBAL_FLAGS if f.short}
    index = 0
    while index < len(argv) and argv[index].startswith("-") and argv[index] not in ("--help", "-h"):
        flag = known.get(argv[index])
        index += 2 if flag is not None and flag.bare is None else 1
    return argv[:index], argv[index:]


def _unknown(word: str, parent: str, known: list[str]) -> str:
    names = {path.rpartition(" ")[2] if " " in parent else path.partition(" ")[0] for path in known}
    close = sorted(name for name in names if name.startswith(word) or _distance(word, name) <= 2)
    hint = "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in close) if close else ""
    return f"unknown command \"{word}\" for \"{parent}\"{hint}\nRun '{parent} --help' for usage."


def _distance(one: str, other: str) -> int:
    """How many letters must be changed, added or dropped."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        diagonal, row[0] = row[0], place
        for column, wanted in enumerate(other, 1):
            diagonal, row[column] = row[column], min(
                row[column] + 1, row[column - 1] + 1, diagonal + (letter != wanted)
            )
    return row[-1]


def _trace(stderr: TextIO) -> None:
    import traceback

    stderr.write(traceback.format_exc())
