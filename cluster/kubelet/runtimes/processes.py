"""Facts about processes of this machine, and ending those that a killed cluster left behind.

A pid alone names nobody: numbers are used again. A process is known by its pid and its start time, and, where its
group's leader has gone, by the mark in its environment. Nothing is ever ended by its name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

MARK = "PYHELM_CONTAINER_ID"
"""Environment variable by which a container's processes are recognised."""

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Stat(NamedTuple):
    pid: int
    group: int
    start: str
    resident: int
    """Bytes."""
    zombie: bool


def stat(pid: int) -> Stat | None:
    """What the kernel says of a process; None when there is none."""
    if sys.platform != "linux":
        return _stat_by_ps(pid)
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return Stat(pid, int(fields[2]), f"{boot_id()}:{fields[19]}", int(fields[21]) * _PAGE, fields[0] in "ZX")


def _stat_by_ps(pid: int) -> Stat | None:
    done = subprocess.run(["ps", "-o", "pgid=,rss=,stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
    words = done.stdout.split(None, 3)
    if len(words) < 4:
        return None
    return Stat(pid, int(words[0]), words[3].strip(), int(words[1]) * 1024, words[2].startswith("Z"))


_boot = ""


def boot_id() -> str:
    """Start times count from the boot, so they are only comparable within one."""
    global _boot
    if not _boot:
        try:
            _boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
        except OSError:
            _boot = "-"
    return _boot


def _all() -> Iterator[Stat]:
    if sys.platform != "linux":
        return
    for name in os.listdir(_PROC):
        if name.isdigit() and (found := stat(int(name))) is not None:
            yield found


def resident_by_group(groups: Iterable[int]) -> dict[int, int]:
    """Bytes of resident memory of whole process groups."""
    sums = dict.fromkeys(groups, 0)
    for found in _all():
        if found.group in sums:
            sums[found.group] += found.resident
    return sums


def alive(pid: int, start: str) -> bool:
    """Whether exactly this process still runs."""
    found = stat(pid)
    return found is not None and found.start == start and not found.zombie


def signal_group(group: int, number: int) -> bool:
    """False when the group is gone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_leftovers(known: dict[str, tuple[int, str]]) -> list[str]:
    """Kill what is left of containers `{id: (pid, start time)}`; answers the ids of which something was found."""
    found = [id_ for id_, (pid, start) in known.items() if alive(pid, start)]
    for id_ in found:
        signal_group(known[id_][0], signal.SIGKILL)
    for pid, id_ in _marked(set(known)):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
        found.append(id_)
    return found


def _marked(ids: set[str]) -> Iterator[tuple[int, str]]:
    """Processes whose environment says that they belong to one of these containers."""
    if not ids or sys.platform != "linux":
        return
    prefix = f"{MARK}=".encode()
    for name in os.listdir(_PROC):
        if not name.isdigit():
            continue
        try:
            environ = (_PROC / name / "environ").read_bytes()
        except OSError:
            continue
        for variable in environ.split(b"\0"):
            if variable.startswith(prefix) and (id_ := variable[len(prefix) :].decode()) in ids:
                yield int(name), id_
