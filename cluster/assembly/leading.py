"""Work of which a cluster has one, where several processes share its state: done by the one that holds the lease."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cluster.client.interface import Client
from cluster.machinery.clock import Clock
from cluster.machinery.fencing import FencedClient
from cluster.machinery.informer import Informers
from cluster.machinery.leases import Election, LeaderElector, lead

_LEASE, _RENEW_WITHIN, _RETRY = 10.0, 7.0, 1.5
"""Seconds; shorter than Kubernetes' own (15, 10, 2), so that a killed leader is replaced within 12."""
Work = Callable[[Client, Informers], Awaitable[None]]


async def led(client: Client, clock: Clock, name: str, identity: str, work: Work) -> None:
    """Run `work` in terms, whenever the lease `name` is this process's (`identity`), and for ever try to get it."""

    async def term(elector: LeaderElector) -> None:
        # What handlers of this term there are must not outlive it, so the informers are its own.
        informers = Informers(client, clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(informers.run(), name=f"informers of {name}")
            await work(FencedClient(client, elector.holds), informers)

    election = Election(name, identity, duration=_LEASE, renew_deadline=_RENEW_WITHIN, retry=_RETRY)
    await lead(client, clock, election, term)
