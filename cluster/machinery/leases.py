"""Leader election: of several processes one holds a Lease and does the work; another takes over when it expires.

The clocks of the processes are not compared: a candidate counts from when it saw the lease change. Writes carry
the resourceVersion they were decided upon, so two candidates cannot both win.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cluster.client.interface import Client
from cluster.machinery.clock import Clock, rfc3339_micro
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersionResource, Obj

log = logging.getLogger(__name__)
LEASES = GroupVersionResource("coordination.k8s.io", "v1", "leases")


@dataclass(frozen=True, slots=True)
class Election:
    """Seconds: how long a lease holds, after which failed renewing the leader gives up, how often it is tried."""

    name: str
    identity: str
    namespace: str = "kube-system"
    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0


class LeaderElector:
    """`run(work)` waits for leadership, runs `work` while it lasts, and raises LostLeadership when it is lost."""

    def __init__(self, client: Client, clock: Clock, election: Election) -> None:
        self._client, self._clock, self._election = client, clock, election
        self._seen = ""
        self._seen_at = 0.0
        self._until = 0.0

    def holds(self) -> bool:
        """Whether nobody else can be the leader now: the lease as this process last wrote it has not run out."""
        return self._clock.now() < self._until

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        while not await self._try():
            await self._clock.sleep(self._election.retry)
        running = asyncio.ensure_future(work())
        try:
            await self._keep(running)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await self._give_up()

    async def _keep(self, running: asyncio.Future[None]) -> None:
        renewed = self._clock.now()
        while not running.done():
            await self._pause(running)
            if await self._try():
                renewed = self._clock.now()
            elif self._clock.now() - renewed > self._election.renew_deadline:
                raise LostLeadership(self._election.name)
        await running

    async def _pause(self, running: asyncio.Future[None]) -> None:
        """Until it is time to renew, or the work has ended."""
        sleeping = asyncio.ensure_future(self._clock.sleep(self._election.retry))
        try:
            await asyncio.wait((sleeping, running), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()

    async def _try(self) -> bool:
        begun = self._clock.now()
        try:
            leads = await self._acquire()
        except (StatusError, OSError):
            return False
        if leads:
            self._until = begun + self._election.duration
        return leads

    async def _acquire(self) -> bool:
        election, now = self._election, self._clock.now()
        try:
            lease = await self._client.get(LEASES, election.name, election.namespace)
        except StatusError as error:
            if not is_not_found(error):
                raise
            await self._client.create(LEASES, self._fresh(now), election.namespace)
            return True
        held = lease.get("spec") or {}
        if self._held_by_other(lease, held, now):
            return False
        await self._client.update(LEASES, self._renewed(lease, held, now))
        return True

    def _held_by_other(self, lease: Obj, held: dict[str, Any], now: float) -> bool:
        holder = held.get("holderIdentity") or ""
        if not holder or holder == self._election.identity:
            return False
        version = lease["metadata"].get("resourceVersion", "")
        if version != self._seen:
            self._seen, self._seen_at = version, now
        return now < self._seen_at + (held.get("leaseDurationSeconds") or self._election.duration)

    def _fresh(self, now: float) -> Obj:
        election = self._election
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": election.name, "namespace": election.namespace},
            "spec": {
                "holderIdentity": election.identity,
                "leaseDurationSeconds": int(election.duration),
                "acquireTime": rfc3339_micro(now),
                "renewTime": rfc3339_micro(now),
                "leaseTransitions": 0,
            },
        }

    def _renewed(self, lease: Obj, held: dict[str, Any], now: float) -> Obj:
        spec = held | {"renewTime": rfc3339_micro(now), "leaseDurationSeconds": int(self._election.duration)}
        if held.get("holderIdentity") != self._election.identity:
            spec |= {
                "holderIdentity": self._election.identity,
                "acquireTime": rfc3339_micro(now),
                "leaseTransitions": (held.get("leaseTransitions") or 0) + 1,
            }
        return clone(lease) | {"spec": spec}

    async def _give_up(self) -> None:
        """Let the next leader start at once."""
        self._until = 0.0
        try:
            lease = clone(await self._client.get(LEASES, self._election.name, self._election.namespace))
            if lease["spec"].get("holderIdentity") == self._election.identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                await self._client.update(LEASES, lease)
        except (StatusError, OSError):
            return


class LostLeadership(Exception):
    """The lease could not be renewed in time."""


async def lead(
    client: Client, clock: Clock, election: Election, work: Callable[[LeaderElector], Awaitable[None]]
) -> None:
    """Do `work` whenever this process leads, for as long as it does; go on until cancelled, or until the work fails."""
    while True:
        elector = LeaderElector(client, clock, election)
        try:
            await elector.run(lambda elector=elector: work(elector))  # type: ignore[misc]
            return
        except LostLeadership as lost:
            log.warning("the lease %s could not be renewed; its work is stopped", lost)
