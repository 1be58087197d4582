"""Many clients and watchers against a server over HTTP; what they saw must be explained by one order of writes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from typing import Any, cast

import pytest
from api_history import Filter, History, Read, Refusal, Seen, Value, Write, check_registers, check_watch

from cluster.apiserver.handlers import watch as watch_handler
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.registry import cache as watch_cache
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.client.http import HttpClient
from cluster.machinery.clock import RealClock
from cluster.machinery.informer import Informer
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource, Obj
from cluster.storage.etcd import EtcdStore
from cluster.storage.interface import Store
from cluster.storage.memory import MemoryStore
from cluster.storage.sqlite import SqliteStore
from cluster.testing.etcd import etcd, installed

MAPS = GroupVersionResource("", "v1", "configmaps")
NAMES = [f"m{i}" for i in range(5)]
ADMIN = UserInfo("admin", "", ("system:masters",))
CLIENTS, OPERATIONS = 6, 40
# Characters that some line readers take for the end of a line, and that JSON does not escape.
ODD = "a\u2028b\u0085c\u2029d"


needs_etcd = pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)")
STORES = ["memory", "sqlite", pytest.param("etcd", marks=[needs_etcd, pytest.mark.slow])]


@pytest.fixture(params=STORES)
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with AsyncExitStack() as held:
        store: Store
        if request.param == "etcd":
            store = await EtcdStore.open(await held.enter_async_context(etcd(tmp_path)))
        else:
            store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "s.db")
        made = ApiServer(store, ApiServerOptions(tokens={"t": ADMIN}))
        await made.start()
        yield made
        await made.stop()
        await store.close()


@pytest.fixture
async def http(server: ApiServer) -> AsyncIterator[HttpClient]:
    async with HttpClient(server.url, token="t") as client:
        yield client


def value_of(obj: Obj) -> Value:
    return {**(obj["metadata"].get("labels") or {}), "content": obj["data"]["content"]}


def object_of(name: str, value: Value, revision: int = 0) -> Obj:
    labels = {k: v for k, v in value.items() if k != "content"}
    meta: dict[str, Any] = {"name": name, "namespace": "default", "labels": labels}
    if revision > 0:
        meta["resourceVersion"] = str(revision)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"content": value["content"]}}


def revision_of(obj: Obj) -> int:
    return int(obj["metadata"]["resourceVersion"])


class Traffic:
    """One client of many: it remembers what it read and writes on top of that, so conflicts happen."""

    def __init__(self, client: HttpClient, history: History, seed: int, number: int) -> None:
        self.client, self.history, self.number = client, history, number
        self.dice = random.Random(seed * 100 + number)
        self.known: dict[str, int] = {}
        self.count = 0

    async def run(self) -> None:
        for _ in range(OPERATIONS):
            name = self.dice.choice(NAMES)
            await self.dice.choice((self.read, self.create, self.update, self.update, self.patch, self.delete))(name)

    def fresh(self) -> Value:
        self.count += 1
        return {"colour": self.dice.choice(("red", "blue")), "content": f"{self.number}-{self.count}{ODD}"}

    async def read(self, name: str) -> None:
        begun = self.history.tick()
        try:
            found = await self.client.get(MAPS, name, "default")
            revision, value = revision_of(found), value_of(found)
        except StatusError as error:
            assert error.code == 404
            revision, value = 0, None
        self.history.reads.append(Read(name, revision, value, begun, self.history.tick()))
        self.known[name] = revision

    async def create(self, name: str) -> None:
        value, begun = self.fresh(), self.history.tick()
        try:
            made = await self.client.create(MAPS, object_of(name, value), "default")
        except StatusError as error:
            assert error.code == 409
            self.history.refusals.append(Refusal(name, -1, begun, self.history.tick()))
            return
        self.wrote(name, revision_of(made), value, -1, begun)

    async def update(self, name: str) -> None:
        expected = self.known.get(name, 0)
        if not expected:
            return await self.read(name)
        value, begun = self.fresh(), self.history.tick()
        try:
            made = await self.client.update(MAPS, object_of(name, value, expected))
        except StatusError as error:
            assert error.code in (404, 409)
            self.history.refusals.append(Refusal(name, expected, begun, self.history.tick()))
            return None
        self.wrote(name, revision_of(made), value, expected, begun)

    async def patch(self, name: str) -> None:
        value, begun = self.fresh(), self.history.tick()
        body = {"metadata": {"labels": {"colour": value["colour"]}}, "data": {"content": value["content"]}}
        with suppress(StatusError):
            made = await self.client.patch(MAPS, name, "default", body)
            self.wrote(name, revision_of(made), value, 0, begun)

    async def delete(self, name: str) -> None:
        expected, begun = self.known.get(name, 0), self.history.tick()
        if not expected:
            return
        try:
            await self.client.delete(MAPS, name, "default", resource_version=str(expected))
        except StatusError as error:
            assert error.code in (404, 409)
            self.history.refusals.append(Refusal(name, expected, begun, self.history.tick()))
            return
        # The answer does not tell the revision of a delete; the watch over everything does.
        self.deleted(name, expected, begun)

    def wrote(self, name: str, revision: int, value: Value, expected: int, begun: int) -> None:
        self.history.writes.append(Write(name, revision, value, expected, begun, self.history.tick()))
        self.known[name] = revision

    def deleted(self, name: str, expected: int, begun: int) -> None:
        self.history.writes.append(Write(name, -1, None, expected, begun, self.history.tick()))
        self.known[name] = 0


class Onlooker:
    """A watcher that lets its connection go now and then and resumes from the last revision it saw."""

    def __init__(self, client: HttpClient, start: int, seed: int, *, labels: str = "", fields: str = "") -> None:
        self.client, self.start, self.labels, self.fields = client, start, labels, fields
        self.dice = random.Random(seed)
        self.events: list[Seen] = []
        self.revision = start

    async def run(self, patience: int) -> None:
        """`patience`: at most so many events from one connection; 0 for never letting go."""
        while True:
            left = self.dice.randint(1, patience) if patience else -1
            stream = self.client.watch(
                MAPS,
                "default",
                resource_version=str(self.revision),
                label_selector=self.labels,
                field_selector=self.fields,
            )
            async with aclosing(cast(Any, stream)) as events:
                async for event in events:
                    self.take(event.type, event.object)
                    left -= 1
                    if not left:
                        break

    def take(self, type: str, obj: Obj) -> None:
        self.revision = revision_of(obj)
        bookmark = type == "BOOKMARK"
        name, value = ("", {}) if bookmark else (obj["metadata"]["name"], value_of(obj))
        self.events.append(Seen(type, name, self.revision, value))


def learn_deletes(history: History, everything: list[Seen]) -> None:
    """Give each delete the revision that the watch over everything told: conditional deletes name what they ended."""
    ends: dict[tuple[str, int], int] = {}
    newest: dict[str, int] = {}
    for event in everything:
        if event.type == "DELETED":
            ends[event.key, newest[event.key]] = event.revision
        newest[event.key] = event.revision
    history.writes = [
        w if w.value is not None else Write(w.key, ends[w.key, w.expected], None, w.expected, w.begun, w.ended)
        for w in history.writes
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_one_order_of_writes_explains_every_answer_and_every_event(
    server: ApiServer, http: HttpClient, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(watch_handler, "BOOKMARK_EVERY", 0.004)
    history = History()
    start = int((await http.list(MAPS, "default")).resource_version)
    red = Onlooker(http, start, seed, labels="colour=red")
    one = Onlooker(http, start, seed + 1, fields="metadata.name=m1")
    whole = Onlooker(http, start, seed + 2)
    steady = Onlooker(http, start, seed + 3)
    filters: list[tuple[Onlooker, Filter, int]] = [
        (red, lambda _, value: value["colour"] == "red", 5),
        (one, lambda key, _: key == "m1", 3),
        (whole, lambda *_: True, 7),
        (steady, lambda *_: True, 0),
    ]
    watching = [asyncio.ensure_future(onlooker.run(patience)) for onlooker, _, patience in filters]
    try:
        await asyncio.gather(*(Traffic(http, history, seed, i).run() for i in range(CLIENTS)))
        final = await http.list(MAPS, "default")
        end = int(final.resource_version)
        async with asyncio.timeout(10):
            # Bookmarks bring even a watcher that has nothing to see up to the end.
            while any(onlooker.revision < end for onlooker, _, _ in filters):
                assert not any(task.done() for task in watching), [t for t in watching if t.done()]
                await asyncio.sleep(0.002)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    learn_deletes(history, steady.events)
    check_registers(history)
    for onlooker, matches, _ in filters:
        check_watch(onlooker.events, history, start, end, matches)
    listed = {
        o["metadata"]["name"]: (revision_of(o), value_of(o)) for o in final.items if o["metadata"]["name"] in NAMES
    }
    assert listed == history.final()


@pytest.fixture
async def masters(tmp_path: Path) -> AsyncIterator[list[HttpClient]]:
    """Clients of three API servers on one etcd."""
    async with AsyncExitStack() as held:
        url = await held.enter_async_context(etcd(tmp_path))
        clients = []
        for _ in range(3):
            store = await EtcdStore.open(url)
            held.push_async_callback(store.close)
            made = ApiServer(store, ApiServerOptions(tokens={"t": ADMIN}))
            await made.start()
            held.push_async_callback(made.stop)
            clients.append(await held.enter_async_context(HttpClient(made.url, token="t")))
        yield clients


@needs_etcd
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_several_servers_on_one_etcd_keep_one_order(
    masters: list[HttpClient], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Whoever asks whichever server: a register is linearizable, and each server's watches tell the same story."""
    monkeypatch.setattr(watch_handler, "BOOKMARK_EVERY", 0.01)
    history = History()
    start = int((await masters[0].list(MAPS, "default")).resource_version)
    onlookers = [Onlooker(client, start, seed + i) for i, client in enumerate(masters)]
    watching = [asyncio.ensure_future(onlooker.run(i * 5)) for i, onlooker in enumerate(onlookers)]
    try:
        await asyncio.gather(*(Roaming(masters, history, seed, i).run() for i in range(CLIENTS)))
        final = await masters[1].list(MAPS, "default")
        end = int(final.resource_version)
        async with asyncio.timeout(20):
            while any(onlooker.revision < end for onlooker in onlookers):
                assert not any(task.done() for task in watching), [t for t in watching if t.done()]
                await asyncio.sleep(0.005)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    learn_deletes(history, onlookers[0].events)
    check_registers(history)
    for onlooker in onlookers:
        check_watch(onlooker.events, history, start, end, lambda *_: True)
    listed = {o["metadata"]["name"]: (revision_of(o), value_of(o)) for o in final.items}
    assert {name: listed[name] for name in listed if name in NAMES} == history.final()


class Roaming(Traffic):
    """A client that asks another server each time."""

    def __init__(self, clients: list[HttpClient], history: History, seed: int, number: int) -> None:
        super().__init__(clients[0], history, seed, number)
        self.clients = clients

    async def run(self) -> None:
        for _ in range(OPERATIONS):
            self.client = self.dice.choice(self.clients)
            name = self.dice.choice(NAMES)
            await self.dice.choice((self.read, self.create, self.update, self.update, self.patch, self.delete))(name)


@pytest.mark.parametrize("seed", range(3))
async def test_a_watch_may_begin_at_any_revision(server: ApiServer, http: HttpClient, seed: int) -> None:
    history = History()
    start = int((await http.list(MAPS, "default")).resource_version)
    steady = Onlooker(http, start, seed)
    watching = asyncio.ensure_future(steady.run(0))
    await asyncio.gather(*(Traffic(http, history, seed, i).run() for i in range(3)))
    end = max(w.revision for w in history.writes)
    late = []
    async with asyncio.timeout(10):
        for begin in range(start, end, 7):
            onlooker = Onlooker(http, begin, seed)
            task = asyncio.ensure_future(onlooker.run(0))
            late.append((onlooker, task))
        while any(o.revision < end for o in (steady, *(o for o, _ in late))):
            await asyncio.sleep(0.002)
    for task in (watching, *(t for _, t in late)):
        task.cancel()
    await asyncio.gather(watching, *(t for _, t in late), return_exceptions=True)
    learn_deletes(history, steady.events)
    for onlooker, _ in late:
        check_watch(onlooker.events, history, onlooker.start, end, lambda *_: True)


@pytest.mark.parametrize("seed", range(4))
async def test_an_informer_equals_the_final_list_whatever_happened_to_its_connection(
    server: ApiServer, http: HttpClient, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Connections are cut, and so little history is kept that resuming often ends with 410."""
    monkeypatch.setattr(watch_cache, "RING", 4)
    dice = random.Random(seed)
    async with HttpClient(server.url, token="t") as watching:
        informer = Informer(watching, MAPS, RealClock(), namespace="default")
        told: list[tuple[Obj | None, Obj | None]] = []
        informer.add_handler(lambda old, new: told.append((old, new)))
        running = asyncio.ensure_future(informer.run())
        await informer.synced.wait()
        traffic = asyncio.gather(*(Traffic(http, History(), seed, i).run() for i in range(CLIENTS)))
        while not traffic.done():
            for end in list(server.feed.watches):
                end()
            await asyncio.sleep(dice.uniform(0, 0.02))
        await traffic
        final = await http.list(MAPS, "default")
        wanted = {o["metadata"]["name"]: revision_of(o) for o in final.items}
        async with asyncio.timeout(20):
            while {o["metadata"]["name"]: revision_of(o) for o in informer.list()} != wanted:
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    check_told(told, wanted)


def check_told(told: list[tuple[Obj | None, Obj | None]], final: dict[str, int]) -> None:
    """Handlers see a chain for each object: added when absent, changed or deleted when present, nothing twice."""
    state: dict[str, int] = {}
    for old, new in told:
        obj = new or old
        assert obj is not None
        name = obj["metadata"]["name"]
        if new is None:
            assert state.pop(name, 0), f"{name} was deleted twice"
            continue
        assert (old is not None) == (name in state)
        assert revision_of(new) > state.get(name, 0), f"{name} went back, or was told twice"
        state[name] = revision_of(new)
    assert state == final
