"""What a wait looks like: a few lines that are redrawn on a terminal, one line per change elsewhere.

Goes to stderr, so that stdout stays for what programs read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pyhelm.kube.wait import Item, Progress

_SHOWN = 8


class Display:
    """Shows Progress values. On a terminal the lines of the last one are overwritten."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._drawn = 0
        self._told = ""

    def show(self, progress: Progress) -> None:
        waiting = [item for item in progress.items if not item.ready]
        if self._live:
            self._redraw(_lines(progress, waiting))
        else:
            self._tell(_one_line(progress, waiting))

    def line(self, text: str) -> None:
        """A line that stays: an explanation, a hook's log."""
        self._erase()
        self._stream.write(f"{text}\n")

    def close(self) -> None:
        self._drawn = 0
        self._stream.flush()

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def _redraw(self, lines: list[str]) -> None:
        self._erase()
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()
        self._drawn = len(lines)

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0


def _lines(progress: Progress, waiting: list[Item]) -> list[str]:
    lines = [_head(progress)]
    lines += [f"  {item.name}: {item.message}"[:_columns()] for item in waiting[:_SHOWN]]
    if len(waiting) > _SHOWN:
        lines.append(f"  … and {len(waiting) - _SHOWN} more")
    return lines


def _one_line(progress: Progress, waiting: list[Item]) -> str:
    missing = "; ".join(f"{item.name}: {item.message}" for item in waiting[:_SHOWN])
    return _head(progress) + (f" ({missing})" if missing else "")


def _head(progress: Progress) -> str:
    words = {"resources": "resources ready", "hooks": "hooks done", "deletions": "resources deleted"}
    return f"{words.get(progress.title, progress.title)}: {progress.ready}/{len(progress.items)}"


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns if sys.stderr.isatty() else 100
