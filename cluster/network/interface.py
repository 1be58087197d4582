"""What keeps Services reachable, whatever moves the bytes: it follows Services and EndpointSlices."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Service listens; `protocol` is TCP or UDP."""

    ip: str
    port: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        return f"{self.ip}:{self.port}/{self.protocol}"


class Proxier(Protocol):
    name: str
    ready: asyncio.Event
    """Set once every Service known at the start is listened for."""

    async def run(self) -> None:
        """Until cancelled; listeners are closed then."""
        ...

    def faults(self) -> dict[Address, str]:
        """Addresses that cannot be listened on, and why."""
        ...
