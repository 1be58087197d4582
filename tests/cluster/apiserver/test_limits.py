"""What clients must not be able to do: fill the memory, hold what is not theirs, or break others' watches."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from apiserver_wire import Wire

from cluster.apiserver.filters.chain import Chain
from cluster.apiserver.filters.inflight import MaxInFlight
from cluster.apiserver.handlers import watch as watch_handler
from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.http.protocol import HEAD_LIMIT
from cluster.apiserver.registry.cache import Change, Watch
from cluster.apiserver.request import Context
from cluster.apiserver.server import ApiServer
from cluster.meta.types import GroupResource, GroupVersionResource

MAPS = GroupVersionResource("", "v1", "configmaps")
PATH = "/api/v1/namespaces/default/configmaps"


def config_map(name: str, content: str = "x") -> dict[str, Any]:
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": content}}


async def test_a_body_beyond_the_limit_is_413(wire: Wire) -> None:
    reply = await wire.call("POST", PATH, config_map("big", "x" * (3 << 20)))
    assert (reply.status, reply.json()["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize("kind", ["application/json", "application/yaml"])
async def test_nesting_beyond_the_limit_is_400(wire: Wire, kind: str) -> None:
    body = b'{"apiVersion":"v1","kind":"ConfigMap","data":' + b'{"a":' * 20000 + b"1" + b"}" * 20001
    assert (await wire.call("POST", PATH, body, content_type=kind)).status == 400


async def test_a_yaml_bomb_is_400(wire: Wire) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    assert (await wire.call("POST", PATH, "\n".join(lines).encode(), content_type="application/yaml")).status == 400


async def test_too_many_patch_operations_are_refused(wire: Wire) -> None:
    await wire.call("POST", PATH, config_map("a"))
    body = json.dumps([{"op": "add", "path": "/data/a", "value": "b"}] * 10_001).encode()
    reply = await wire.call("PATCH", f"{PATH}/a", body, content_type="application/json-patch+json")
    assert reply.status == 413


async def test_a_head_without_end_is_cut_off(wire: Wire) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.server.port)
    answer = asyncio.ensure_future(reader.read())
    writer.write(b"GET / HTTP/1.1\r\n")
    sent = 0
    async with asyncio.timeout(10):
        try:
            while not answer.done():
                writer.write(b"X-Filler: " + b"x" * 60_000 + b"\r\n")
                sent += 60_000
                await writer.drain()
                await asyncio.sleep(0)
                assert sent < 40 * HEAD_LIMIT
        except ConnectionError:
            pass
        found = await asyncio.gather(answer, return_exceptions=True)
    assert isinstance(found[0], ConnectionError) or b" 431 " in found[0]
    writer.close()
    assert (await wire.call("GET", "/version")).status == 200


async def test_a_request_whose_client_goes_away_holds_no_place() -> None:
    entered = asyncio.Event()

    async def work(_: Context) -> Response:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    chain = Chain((MaxInFlight(1, 0), work))
    request = Request("GET", "/api/v1/pods", "", {})
    task = asyncio.ensure_future(chain(request))
    await entered.wait()
    assert (await chain(request)).status == 429
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    entered.clear()
    task = asyncio.ensure_future(chain(request))
    await entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_watch_that_fails_ends_alone(server: ApiServer) -> None:
    ends: list[str] = []
    seen: list[str] = []

    def fail(_type: str, _change: Change) -> None:
        raise ValueError("a client's odd wish")

    cache = server.feed.cache(GroupResource("", "configmaps"))
    cache.add_watch(Watch("", "", None, fail, lambda: ends.append("ended")))
    cache.add_watch(Watch("", "", None, lambda type, change: seen.append(change.entry.key)))
    client = server.client()
    await client.create(MAPS, config_map("a"), "default")
    await client.create(MAPS, config_map("b"), "default")
    assert ends == ["ended"]
    assert seen == ["default/a", "default/b"]
    assert server.feed.failure is None


async def test_a_watcher_that_does_not_read_is_cut_off(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_handler, "SLOW", 1 << 18)
    monkeypatch.setattr(watch_handler, "LINGER", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.server.port, limit=1 << 10)
    writer.write(f"GET {PATH}?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    cache = wire.server.feed.cache(GroupResource("", "configmaps"))
    assert cache.watchers == 1
    for number in range(200):
        if not cache.watchers:
            break
        assert (await wire.call("POST", PATH, config_map(f"m{number}", "x" * 400_000))).status == 201
    assert not cache.watchers
    before = len(wire.server._http.connections) if wire.server._http else 0
    async with asyncio.timeout(5):
        while wire.server._http is not None and len(wire.server._http.connections) == before > 1:
            await asyncio.sleep(0.01)
    writer.close()


async def test_initial_events_of_a_revision_ahead_are_complete(wire: Wire) -> None:
    """What is written until then is part of the initial state."""
    writing = wire.server.client()
    made = await writing.create(MAPS, config_map("first"), "default")
    ahead = int(made["metadata"]["resourceVersion"]) + 2
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.server.port)
    query = (
        f"watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersion={ahead}"
        "&resourceVersionMatch=NotOlderThan&fieldSelector=metadata.name!=kube-root-ca.crt"
    )
    writer.write(f"GET {PATH}?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    await writing.create(MAPS, config_map("second"), "default")
    await writing.create(MAPS, config_map("third"), "default")
    events = []
    async with asyncio.timeout(5):
        while not events or events[-1]["type"] != "BOOKMARK":
            size = int(await reader.readuntil(b"\r\n"), 16)
            events.append(json.loads(await reader.readexactly(size)))
            await reader.readexactly(2)
    assert [e["object"]["metadata"].get("name") for e in events] == ["first", "second", "third", None]
    assert int(events[-1]["object"]["metadata"]["resourceVersion"]) >= ahead
    writer.close()
