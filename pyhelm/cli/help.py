"""Help texts, made from the commands themselves."""

from __future__ import annotations

from importlib import import_module

from pyhelm.cli.command import Command
from pyhelm.cli.flags import Flag
from pyhelm.cli.main import ALIASES, COMMANDS
from pyhelm.cli.settings import GLOBAL_FLAGS

_GROUP_WORDS = {
    "dependency": "manage a chart's dependencies",
    "get": "download extended information of a named release",
    "repo": "add, list, remove, update, and index chart repositories",
    "search": "search for a keyword in charts",
    "show": "show information of a chart",
}


def overview(program: str, group: str = "") -> str:
    """What `--help` says of the program, or of a group of commands."""
    head = f"{_GROUP_WORDS[group]}\n" if group else "The Kubernetes package manager, with a cluster to run charts on.\n"
    name = f"{program} {group}" if group else program
    lines = [head, "Usage:", f"  {name} [command]", "", "Available Commands:"]
    lines += [f"  {word:<12} {text}" for word, text in _commands(group)]
    lines += ["", "Global Flags:" if group else "Flags:", *_flag_lines(list(GLOBAL_FLAGS)), ""]
    lines.append(f'Use "{name} [command] --help" for more information about a command.')
    return "\n".join(lines) + "\n"


def describe(command: Command, program: str) -> str:
    """What `--help` says of one command."""
    lines = [command.long or command.short, "", "Usage:", f"  {command.usage(program)}"]
    path = command.path
    names = [alias.rpartition(" ")[2] for alias, target in ALIASES.items() if target == path]
    if names:
        lines += ["", "Aliases:", f"  {', '.join([path.rpartition(' ')[2], *names])}"]
    if command.flags:
        lines += ["", "Flags:", *_flag_lines(list(command.flags))]
    lines += ["", "Global Flags:", *_flag_lines(list(GLOBAL_FLAGS))]
    return "\n".join(lines) + "\n"


def _commands(group: str) -> list[tuple[str, str]]:
    if group:
        return [(p.partition(" ")[2], _short(p)) for p in COMMANDS if p.startswith(f"{group} ")]
    single = [(path, _short(path)) for path in COMMANDS if " " not in path]
    return sorted(single + list(_GROUP_WORDS.items()))


def _short(path: str) -> str:
    command: Command = import_module(f"pyhelm.cli.{COMMANDS[path]}").COMMAND
    return command.short


def _flag_lines(flags: list[Flag]) -> list[str]:
    shown = sorted((f for f in flags if not f.hidden and not f.deprecated), key=lambda f: f.name)
    heads = [_flag_head(flag) for flag in shown]
    width = max((len(head) for head in heads), default=0)
    return [f"{head:<{width}}   {flag.help}{_default(flag)}" for head, flag in zip(heads, shown)]


def _flag_head(flag: Flag) -> str:
    short = f"-{flag.short}, " if flag.short else "    "
    value = f" {flag.kind}" if flag.kind and flag.bare is None else ""
    return f"  {short}--{flag.name}{value}"


def _default(flag: Flag) -> str:
    if flag.default in ("", (), False, 0, 0.0):
        return ""
    return f' (default "{flag.default}")' if isinstance(flag.default, str) else f" (default {flag.default})"
