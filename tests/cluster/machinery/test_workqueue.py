"""The work queue keeps each key once, loses none, and delays what failed."""

from __future__ import annotations

import asyncio

import pytest

from cluster.machinery.clock import VirtualClock
from cluster.machinery.workqueue import Shutdown, WorkQueue


async def test_a_key_waits_once_and_again_when_added_while_worked_on() -> None:
    queue: WorkQueue[str] = WorkQueue(VirtualClock())
    queue.add("a")
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"


async def test_failures_come_back_after_doubling_delays_until_forgotten() -> None:
    clock = VirtualClock()
    queue: WorkQueue[str] = WorkQueue(clock, base=1.0, cap=3.0)
    waits = []
    for _ in range(4):
        started = clock.now()
        queue.add_rate_limited("a")
        while not len(queue):
            await clock.advance(0.5)
        waits.append(clock.now() - started)
        queue.done(await queue.get())
    assert waits == [1.0, 2.0, 3.0, 3.0]
    queue.forget("a")
    assert queue.failures("a") == 0


async def test_the_earliest_of_several_delays_counts() -> None:
    clock = VirtualClock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add_after("a", 10)
    queue.add_after("a", 2)
    queue.add_after("a", 5)
    await clock.advance(2)
    assert len(queue) == 1
    queue.done(await queue.get())
    await clock.advance(20)
    assert len(queue) == 0


async def test_shut_down_hands_out_what_waits_then_ends_the_waiting() -> None:
    queue: WorkQueue[str] = WorkQueue(VirtualClock())
    queue.add("a")
    queue.shut_down()
    assert await queue.get() == "a"
    with pytest.raises(Shutdown):
        await queue.get()


async def test_a_cancelled_getter_loses_no_key() -> None:
    queue: WorkQueue[str] = WorkQueue(VirtualClock())
    first = asyncio.create_task(queue.get())
    second = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await asyncio.wait_for(second, 1) == "a"
    await asyncio.gather(first, return_exceptions=True)
