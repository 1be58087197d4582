"""An informer's copy equals the server's, over watches, gaps and expired versions."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from cluster.machinery.clock import VirtualClock
from cluster.machinery.informer import Informer
from cluster.machinery.resources import CONFIG_MAPS

sys.path.insert(0, str(Path(__file__).parents[1] / "controllers"))
from fake_api import FakeApi


def config(name: str) -> dict:
    return {"metadata": {"name": name}, "data": {"k": "v"}}


async def test_changes_reach_handlers_and_indexes() -> None:
    clock = VirtualClock()
    api = FakeApi(clock)
    await api.create(CONFIG_MAPS, config("before"), "ns")
    informer = Informer(api, CONFIG_MAPS, clock)
    informer.add_index("value", lambda obj: (obj["data"]["k"],))
    seen: list[tuple[bool, bool]] = []
    informer.add_handler(lambda old, new: seen.append((old is not None, new is not None)))
    task = asyncio.create_task(informer.run())
    await clock.advance(1)
    made = await api.create(CONFIG_MAPS, config("later"), "ns")
    await api.patch(CONFIG_MAPS, "later", "ns", {"data": {"k": "w"}})
    await api.delete(CONFIG_MAPS, "before", "ns")
    await clock.advance(1)
    assert seen == [(False, True), (False, True), (True, True), (True, False)]
    assert [o["metadata"]["uid"] for o in informer.by_index("value", "w")] == [made["metadata"]["uid"]]
    assert informer.by_index("value", "v") == []
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_expired_version_leads_to_a_new_list_told_as_changes() -> None:
    clock = VirtualClock()
    api = FakeApi(clock)
    await api.create(CONFIG_MAPS, config("gone"), "ns")
    informer = Informer(api, CONFIG_MAPS, clock)
    task = asyncio.create_task(informer.run())
    await clock.advance(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    deleted: list[str] = []
    informer.add_handler(lambda old, new: deleted.append(old["metadata"]["name"]) if old and new is None else None)
    await api.delete(CONFIG_MAPS, "gone", "ns")
    await api.create(CONFIG_MAPS, config("new"), "ns")
    api.oldest = api.revision
    task = asyncio.create_task(informer.run())
    await clock.advance(1)
    assert deleted == ["gone"]
    assert [o["metadata"]["name"] for o in informer.list("ns")] == ["new"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
