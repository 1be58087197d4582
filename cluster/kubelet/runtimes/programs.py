"""What a few little programs would do, told without running them: `sleep 5`, `true`, `false`, `exit 3`, `echo hello`,
`tail -f /dev/null`, alone or one after another in a shell's `-c`.

For the simulated runtime: Jobs and charts use these to wait, to fail and to stay. Whatever needs more of a shell
(variables, loops, pipes, files) is not known here; nothing is guessed.
"""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_BEYOND = frozenset("$`|<>()&*?[]{}#!")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Course:
    """How a program goes: it ends after so many seconds (infinite: never) with the code, having said `output`."""

    seconds: float = 0.0
    code: int = 0
    output: str = ""
    over: bool = False
    """It said `exit`: what comes after is not reached."""


def foresee(command: tuple[str, ...]) -> Course | None:
    """The course of an argument vector; None for a program that is not known."""
    if not command:
        return None
    name = command[0].rpartition("/")[2]
    if name in _SHELLS and len(command) == 3 and command[1] == "-c":
        return _script(command[2])
    return _simple(name, command[1:])


def _script(text: str) -> Course | None:
    done = Course()
    for line in text.replace("&&", "\n&&").replace(";", "\n").splitlines():
        chained, line = line.startswith("&&"), line.removeprefix("&&").strip()
        if not line or done.over or math.isinf(done.seconds) or (chained and done.code):
            continue
        if _BEYOND & set(line):
            return None
        try:
            words = shlex.split(line)
        except ValueError:
            return None
        step = _simple(words[0].rpartition("/")[2], tuple(words[1:]), exits=True)
        if step is None:
            return None
        done = Course(done.seconds + step.seconds, step.code, done.output + step.output, step.over)
    return done


def _simple(name: str, words: tuple[str, ...], *, exits: bool = False) -> Course | None:
    """`exits`: a shell reads it, whose own words `exit` and `:` are known."""
    if name == "sleep":
        return _sleep(words)
    if name == "echo" and words[:1] not in (("-n",), ("-e",)):
        return Course(output=" ".join(words) + "\n")
    if name == "tail" and words in (("-f", "/dev/null"), ("-F", "/dev/null")):
        return Course(math.inf)
    if name in ("true", "false") or (exits and name == ":"):
        return Course(code=int(name == "false"))
    if exits and name == "exit" and len(words) <= 1 and all(word.isdecimal() for word in words):
        return Course(code=int(words[0]) % 256 if words else 0, over=True)
    return None


def _sleep(words: tuple[str, ...]) -> Course | None:
    total = 0.0
    for word in words:
        number, unit = (word[:-1], _UNITS[word[-1]]) if word[-1:] in _UNITS else (word, 1.0)
        try:
            total += (math.inf if number in ("infinity", "inf") else float(number)) * unit
        except ValueError:
            return None
    return Course(total) if words and total >= 0 else None
