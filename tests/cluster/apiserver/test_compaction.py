"""History is forgotten by time: what was past a period ago cannot be asked for, what came later can."""

from __future__ import annotations

import asyncio

import pytest

from cluster.apiserver.compaction import PERIOD, Compaction
from cluster.machinery.clock import VirtualClock
from cluster.storage.interface import Compacted, Key, StoreUnavailable
from cluster.storage.memory import MemoryStore


async def test_history_is_kept_for_one_period_and_no_longer_than_two() -> None:
    clock, store = VirtualClock(), MemoryStore()
    running = asyncio.create_task(Compaction(store, clock).run())
    first = await store.create(Key("/registry/x/a"), b"1")
    await clock.advance(PERIOD + 1)
    second = await store.update_if(Key("/registry/x/a"), b"2", first)
    await store.list_at("/registry/", revision=first)
    await clock.advance(PERIOD)
    with pytest.raises(Compacted):
        await store.list_at("/registry/", revision=type(first)(first - 1))
    await clock.advance(PERIOD)
    with pytest.raises(Compacted):
        await store.list_at("/registry/", revision=first)
    await store.list_at("/registry/", revision=second)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_store_that_cannot_serve_is_asked_again_later() -> None:
    clock, store = VirtualClock(), Moody()
    running = asyncio.create_task(Compaction(store, clock).run())
    await store.create(Key("/registry/x/a"), b"1")
    store.refuses = True
    await clock.advance(PERIOD * 3)
    assert store.compactions == 0
    store.refuses = False
    await clock.advance(PERIOD * 2)
    assert store.compactions == 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class Moody(MemoryStore):
    refuses = False
    compactions = 0

    async def compact(self, revision):  # type: ignore[no-untyped-def]
        if self.refuses:
            raise StoreUnavailable("not now")
        self.compactions += 1
        await super().compact(revision)
