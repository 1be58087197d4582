"""Ends of processes at named points, for tests and benchmarks of what survives them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

POINTS = ("before-commit", "after-commit", "compaction", "compaction-before-commit", "snapshot")
"""What stores and snapshots pass: see SqliteStore and cluster.storage.snapshot.encoded."""


def kill_at(point_and_number: str) -> Callable[[str], None]:
    """`before-commit:7`: SIGKILL to this process when it is at that point for the seventh time. Raises ValueError."""
    wanted, _, number = point_and_number.partition(":")
    if wanted not in POINTS or not number.isdigit():
        raise ValueError(f"{point_and_number}: give a point ({', '.join(POINTS)}), a colon and a number")
    left = int(number)

    def reach(point: str) -> None:
        nonlocal left
        left -= point == wanted
        if left <= 0 and point == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
