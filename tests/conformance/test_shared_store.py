"""Two API servers on one etcd: one order of writes, seen by both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.server import ApiServer
from cluster.client.interface import Client
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource, Obj
from cluster.storage.etcd import EtcdStore
from cluster.storage.etcd_wire import Wire
from cluster.storage.interface import Key
from cluster.testing.etcd import etcd, installed

pytestmark = pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)")
MAPS = GroupVersionResource("", "v1", "configmaps")


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[ApiServer]]:
    async with etcd(tmp_path) as url:
        stores = [await EtcdStore.open(url) for _ in range(2)]
        made = [ApiServer(store, ApiServerOptions(serve=False)) for store in stores]
        for server in made:
            await server.start()
        yield made
        for server, store in zip(made, stores, strict=True):
            await server.stop()
            await store.close()


def counter(value: int) -> Obj:
    meta = {"name": "counter", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"value": str(value)}}


async def count(client: Client, times: int) -> int:
    """Read, add one, write back if nobody else did; the number of conflicts on the way."""
    conflicts = 0
    while times:
        found = await client.get(MAPS, "counter", "default")
        changed = counter(int(found["data"]["value"]) + 1)
        changed["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
        try:
            await client.update(MAPS, changed)
            times -= 1
        except StatusError as error:
            assert error.code == 409
            conflicts += 1
            await asyncio.sleep(0.001)
    return conflicts


async def follow(client: Client, start: str, until: str) -> list[str]:
    seen: list[str] = []
    stream = client.watch(MAPS, "default", resource_version=start, field_selector="metadata.name=counter")
    async with aclosing(cast(Any, stream)) as events:
        async for event in events:
            seen.append(event.object["data"]["value"])
            if seen[-1] == until:
                return seen
    return seen


async def test_counting_through_two_servers_loses_nothing(servers: list[ApiServer]) -> None:
    first, second = (server.client() for server in servers)
    made = await first.create(MAPS, counter(0), "default")
    start = made["metadata"]["resourceVersion"]
    await servers[1].feed.reached(int(start))
    async with asyncio.timeout(60):
        watching = [asyncio.ensure_future(follow(client, start, "40")) for client in (first, second)]
        await asyncio.gather(count(first, 20), count(second, 20))
        wanted = [str(n) for n in range(1, 41)]
        assert await asyncio.gather(*watching) == [wanted, wanted]


SERVICES = GroupVersionResource("", "v1", "services")
CRDS = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")


async def test_what_one_server_acknowledged_the_other_knows_at_once(servers: list[ApiServer]) -> None:
    first, second = (server.client() for server in servers)
    for number in range(30):
        writer, reader = (first, second) if number % 2 else (second, first)
        obj = counter(number)
        obj["metadata"]["name"] = f"n{number}"
        await writer.create(MAPS, obj, "default")
        assert (await reader.get(MAPS, f"n{number}", "default"))["data"]["value"] == str(number)
        names = [o["metadata"]["name"] for o in (await reader.list(MAPS, "default")).items]
        assert f"n{number}" in names
        await reader.patch(MAPS, f"n{number}", "default", {"data": {"value": "patched"}})
        await writer.delete(MAPS, f"n{number}", "default")
        with pytest.raises(StatusError) as gone:
            await reader.get(MAPS, f"n{number}", "default")
        assert gone.value.code == 404


async def test_keys_of_others_in_the_same_etcd_stop_nobody(servers: list[ApiServer]) -> None:
    """Their writes move the revision on, and no change of ours comes with it."""
    first, second = (server.client() for server in servers)
    await first.create(MAPS, counter(1), "default")
    await servers[0].store.create(Key("/somebody/else"), b"hello")
    async with asyncio.timeout(10):
        assert (await second.get(MAPS, "counter", "default"))["data"]["value"] == "1"


def service(name: str, **spec: Any) -> Obj:
    ports = [{"port": 80, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"ports": ports, "selector": {"a": "b"}} | spec,
    }


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[list[ApiServer]]:
    """Two servers with few addresses and ports to give away."""
    async with etcd(tmp_path) as url:
        stores = [await EtcdStore.open(url) for _ in range(2)]
        options = ApiServerOptions(serve=False, service_cidr="10.96.0.0/27", node_ports=(30000, 30024))
        made = [ApiServer(store, options) for store in stores]
        await asyncio.gather(*(server.start() for server in made))
        yield made
        for server, store in zip(made, stores, strict=True):
            await server.stop()
            await store.close()


async def test_no_address_and_no_node_port_is_given_twice(narrow: list[ApiServer]) -> None:
    clients = [server.client() for server in narrow]
    made = await asyncio.gather(
        *(clients[i % 2].create(SERVICES, service(f"s{i}", type="NodePort"), "default") for i in range(20))
    )
    addresses = [s["spec"]["clusterIP"] for s in made]
    ports = [s["spec"]["ports"][0]["nodePort"] for s in made]
    assert len(set(addresses)) == len(set(ports)) == 20
    assert "10.96.0.1" not in addresses


async def test_of_two_who_ask_for_one_address_one_is_refused(narrow: list[ApiServer]) -> None:
    clients = [server.client() for server in narrow]
    wanted = {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"]}
    results = await asyncio.gather(
        *(client.create(SERVICES, service(f"s{i}", **wanted), "default") for i, client in enumerate(clients)),
        return_exceptions=True,
    )
    refused = [r for r in results if isinstance(r, StatusError)]
    assert [error.code for error in refused] == [422]
    assert "provided IP is already allocated" in refused[0].message
    # Given back, it can be had by the other one.
    kept = next(r for r in results if isinstance(r, dict))["metadata"]["name"]
    await clients[1 - int(kept[1])].delete(SERVICES, kept, "default")
    async with asyncio.timeout(10):
        while True:
            try:
                await clients[0].create(SERVICES, service("third", **wanted), "default")
                return
            except StatusError as error:
                assert error.code == 422
                await narrow[0]._sharing.mend(narrow[0].feed.all(SERVICES.group_resource))  # type: ignore[union-attr]
                await asyncio.sleep(0.01)


async def test_claims_that_nobody_uses_are_given_back_and_missing_ones_made(narrow: list[ApiServer]) -> None:
    server = narrow[0]
    made = await server.client().create(SERVICES, service("kept"), "default")
    store, sharing = server.store, server._sharing
    assert sharing is not None
    mine = Key(f"/registry/ranges/serviceips/{made['spec']['clusterIP']}")
    held = await store.get(mine)
    assert held is not None
    await store.delete_if(mine, held.mod_revision)
    stray = Key("/registry/ranges/servicenodeports/30007")
    await store.create(stray, b'{"owner":"default/dead"}')
    for looks in range(2):
        await sharing.mend(server.feed.all(SERVICES.group_resource))
        assert (await store.get(stray) is None) == (looks == 1)
    assert await store.get(mine) is not None


async def test_a_definition_made_at_one_server_is_served_by_all(servers: list[ApiServer]) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    await servers[0].client().create(CRDS, crd | {"metadata": {"name": "widgets.example.com"}, "spec": spec})
    widgets = GroupVersionResource("example.com", "v1", "widgets")
    meta = {"name": "w", "namespace": "default"}
    await servers[1].client().get(CRDS, "widgets.example.com")
    obj = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": meta, "size": 3}
    await servers[1].client().create(widgets, obj, "default")
    assert (await servers[0].client().get(widgets, "w", "default"))["size"] == 3


async def test_a_server_that_missed_what_was_forgotten_reads_anew(servers: list[ApiServer]) -> None:
    """Its watch comes back when the changes it missed are compacted: caches are right again, watchers get 410."""
    behind, ahead = servers
    await ahead.client().create(MAPS, counter(0), "default")
    await behind.client().get(MAPS, "counter", "default")
    start = str(behind.feed.revision)
    watching = asyncio.ensure_future(follow(behind.client(), start, "never"))
    await asyncio.sleep(0)
    reached = asyncio.Event()
    store = cast(EtcdStore, behind.store)
    working = store._members
    store._members = [Stalled(working[0].url, reached)]
    working[0].close()
    await reached.wait()
    for number in range(1, 5):
        await ahead.client().update(MAPS, counter(number))
    await ahead.client().create(MAPS, {**counter(9), "metadata": {"name": "new", "namespace": "default"}}, "default")
    await ahead.store.compact(await ahead.store.current_revision())
    store._members = [Wire(working[0].url)]
    async with asyncio.timeout(20):
        while behind.feed.revision < ahead.feed.revision:
            await asyncio.sleep(0.01)
        assert (await behind.client().get(MAPS, "counter", "default"))["data"]["value"] == "4"
        assert (await behind.client().get(MAPS, "new", "default"))["data"]["value"] == "9"
        await watching
    with pytest.raises(StatusError) as expired:
        await follow(behind.client(), start, "never")
    assert expired.value.code == 410


class Stalled(Wire):
    """A member that cannot be reached; says when somebody tried."""

    def __init__(self, url: str, tried: asyncio.Event) -> None:
        super().__init__(url)
        self._tried = tried

    async def _reach(self) -> Any:
        self._tried.set()
        raise ConnectionRefusedError("stalled")
