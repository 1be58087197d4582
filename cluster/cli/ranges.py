"""Loopback addresses for the Services and pods of several clusters on one machine.

Each cluster has a number; a socket that listens to nobody keeps others off it for as long as the cluster runs. A
cluster keeps the number it began with, since the addresses of its Services are stored.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from cluster.cli.places import Refused

RANGES = 30
_CLAIM_PORT, _PROXY_PORT = 10256, 10257
_TURN_EVERY = 0.5
_turns: list[socket.socket] = []
"""Kept open until the process ends."""


def service_network(number: int) -> str:
    return f"127.{96 + number}.0.0/16"


def first_service_address(number: int) -> str:
    """The address of the `kubernetes` Service."""
    return f"127.{96 + number}.0.1"


def pod_network(number: int) -> str:
    """The first two numbers of pod addresses."""
    return f"127.{2 + number}"


async def proxy_turn(number: int) -> None:
    """Ends when no other process of this machine answers for the Services of this range. The turn lasts as long as the
    process."""
    if sys.platform != "linux":
        return
    while True:
        held = socket.socket()
        try:
            held.bind((f"127.{96 + number}.255.254", _PROXY_PORT))
        except OSError:
            held.close()
            await asyncio.sleep(_TURN_EVERY)
            continue
        _turns.append(held)
        return


def claim(wanted: int | None) -> tuple[int, socket.socket | None]:
    """A number, and the socket to keep open. Raises Refused."""
    if sys.platform != "linux":
        return wanted or 0, None
    for number in [wanted] if wanted is not None else range(RANGES):
        held = socket.socket()
        try:
            held.bind((f"127.{96 + number}.255.254", _CLAIM_PORT))
        except OSError:
            held.close()
            continue
        return number, held
    if wanted is not None:
        raise Refused(f"the addresses {service_network(wanted)} are used by another cluster; stop that one first")
    raise Refused(f"{RANGES} clusters run on this machine already; stop one first")
