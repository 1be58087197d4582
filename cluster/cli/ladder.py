"""Which runtime runs the pods, and why: asked for, or found by looking at the machine. Never chosen silently."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from cluster.cli.places import Refused

RUNTIMES = ("process", "simulated")


@dataclass(frozen=True, slots=True)
class Choice:
    runtime: str
    why: str


def choose(asked: str) -> Choice:
    """Raises Refused for a runtime this machine cannot have."""
    if asked == "simulated":
        return Choice("simulated", "asked for; nothing is run")
    if sys.platform == "win32":
        raise Refused("the process runtime needs Linux or macOS; use --runtime simulated")
    if asked == "process":
        return Choice("process", "asked for; containers are processes of this machine, separated from nothing")
    return Choice(
        "process",
        "the only runtime here that runs programs; containers are processes of this machine, separated from nothing",
    )
