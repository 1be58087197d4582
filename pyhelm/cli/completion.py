"""`completion SHELL`: a script that completes commands and flags. The words come from the commands themselves."""

from __future__ import annotations

from importlib import import_module

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import UsageError, boolean
from pyhelm.cli.settings import GLOBAL_FLAGS

_BASH = """\
# bash completion for {program}
_{name}_complete() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" first="" second="" word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ "$word" == -* ]] && continue
    if [[ -z "$first" ]]; then first="$word"; elif [[ -z "$second" ]]; then second="$word"; fi
  done
  local words=""
  case "$first $second" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ ${{#COMPREPLY[@]}} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$current"))
}}
complete -F _{name}_complete {program}
"""


def run(call: Call) -> None:
    shell = call.words[0]
    bash = _bash(call.program)
    if shell == "bash":
        call.stdout.write(bash)
    elif shell == "zsh":
        call.stdout.write(f"#compdef {call.program}\nautoload -U +X bashcompinit && bashcompinit\n{bash}")
    elif shell == "fish":
        call.stdout.write(_fish(call.program))
    else:
        raise UsageError(f"completion for {shell} is not supported: bash, zsh and fish are")


def _tree() -> dict[str, list[str]]:
    """First word -> the words that may follow it."""
    from pyhelm.cli.main import COMMANDS

    tree: dict[str, list[str]] = {}
    for path in COMMANDS:
        first, _, second = path.partition(" ")
        tree.setdefault(first, []).extend([second] if second else [])
    return tree


def _flags(path: str) -> list[str]:
    from pyhelm.cli.main import COMMANDS

    command: Command = import_module(f"pyhelm.cli.{COMMANDS[path]}").COMMAND
    return [f"--{flag.name}" for flag in (*command.flags, *GLOBAL_FLAGS) if not flag.hidden and not flag.deprecated]


def _bash(program: str) -> str:
    tree = _tree()
    cases = [f'    " ") words="{" ".join(sorted(tree))}" ;;']
    for first, seconds in sorted(tree.items()):
        for second in seconds:
            cases.append(f'    "{first} {second}") words="{" ".join(_flags(f"{first} {second}"))}" ;;')
        words = " ".join(seconds) if seconds else " ".join(_flags(first))
        cases.append(f'    "{first} "*) words="{words}" ;;')
    return _BASH.format(program=program, name=program.replace("-", "_"), cases="\n".join(cases))


def _fish(program: str) -> str:
    tree = _tree()
    lines = [f"# fish completion for {program}", f"complete -c {program} -f"]
    lines.append(f"complete -c {program} -n __fish_use_subcommand -a '{' '.join(sorted(tree))}'")
    for first, seconds in sorted(tree.items()):
        seen = f"'__fish_seen_subcommand_from {first}'"
        if seconds:
            lines.append(f"complete -c {program} -n {seen} -a '{' '.join(seconds)}'")
            continue
        for flag in _flags(first):
            lines.append(f"complete -c {program} -n {seen} -l {flag.removeprefix('--')}")
    return "\n".join(lines) + "\n"


COMMAND = Command(
    path="completion",
    use="SHELL",
    short="generate autocompletion scripts for the specified shell (bash, zsh or fish)",
    flags=(boolean("no-descriptions", "disable completion descriptions"),),
    args=exact_args(1),
    run=run,
)
