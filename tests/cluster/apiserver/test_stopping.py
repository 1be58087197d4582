"""How a server ends: in order, and nobody is cut off in the middle of something; and how it says that it lives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from apiserver_wire import Wire

from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.identity import ADDRESS, LEASES, identity_of
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.apiserver.startup import HOOKS
from cluster.meta.types import GroupVersionResource
from cluster.storage.memory import MemoryStore

MAPS = "/api/v1/namespaces/default/configmaps"
HEAD = "Host: x\r\nAuthorization: Bearer admin\r\n\r\n"


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    store = MemoryStore()
    tokens = {"admin": UserInfo("admin", "", ("system:masters",))}
    made = ApiServer(store, ApiServerOptions(tokens=tokens, shutdown_delay=0.2, hostname="host"))
    await made.start()
    yield made
    await made.stop()
    await store.close()


async def opened(server: ApiServer, request: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{request} HTTP/1.1\r\n{HEAD}".encode())
    return reader, writer


def gated(server: ApiServer, path: str) -> tuple[asyncio.Event, asyncio.Event]:
    """A path whose answer waits: (somebody has asked, answer now)."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def handler(_: Any) -> Response:
        asked.set()
        await go.wait()
        return Response(200, b"done", "text/plain")

    server.router.paths[path] = handler
    return asked, go


async def test_first_it_is_not_ready_and_still_serves(server: ApiServer) -> None:
    wire = Wire(server)
    assert (await wire.call("GET", "/readyz")).status == 200
    stopping = asyncio.ensure_future(server.stop())
    await asyncio.sleep(0)
    ready = await wire.call("GET", "/readyz")
    assert ready.status == 500
    assert b"[-]shutdown failed: reason withheld\nreadyz check failed\n" in ready.body
    assert (await wire.call("GET", "/livez")).status == 200
    assert (await wire.call("GET", MAPS)).status == 200
    other = Wire(server)
    assert (await other.call("GET", MAPS)).status == 200
    await stopping
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", server.port)
    wire.close()
    other.close()


async def test_requests_under_way_finish_and_their_connections_close(server: ApiServer) -> None:
    asked, go = gated(server, "/slow")
    reader, writer = await opened(server, "GET /slow")
    await asked.wait()
    stopping = asyncio.ensure_future(server.stop())
    while not (server._http and server._http.stopping):
        await asyncio.sleep(0.01)
    assert not stopping.done()
    go.set()
    answer = await reader.read()
    assert b"200 OK" in answer
    assert b"Connection: close" in answer
    assert answer.endswith(b"done")
    await stopping
    writer.close()


async def test_late_requests_are_sent_away_but_probes_are_answered(server: ApiServer) -> None:
    asked, go = gated(server, "/slow")
    busy, writer = await opened(server, "GET /slow")
    await asked.wait()
    stopping = asyncio.ensure_future(server.stop())
    while not (server._http and server._http.stopping):
        await asyncio.sleep(0.01)
    assert server._chain is not None
    late = await server._chain(Request("GET", MAPS, "", {"authorization": "Bearer admin"}))
    assert late.status == 503
    assert dict(late.headers)["Retry-After"] == "1"
    assert json.loads(late.body)["message"] == "apiserver is shutting down"
    live = await server._chain(Request("GET", "/livez", "", {"authorization": "Bearer admin"}))
    assert live.status == 200
    go.set()
    assert (await busy.read()).endswith(b"done")
    await stopping
    writer.close()


async def test_watches_see_what_still_happens_and_then_end_properly(server: ApiServer) -> None:
    asked, go = gated(server, "/slow")
    reader, writer = await opened(server, f"GET {MAPS}?watch=true&resourceVersion=0")
    await reader.readuntil(b"\r\n\r\n")
    _, other = await opened(server, "GET /slow")
    await asked.wait()
    stopping = asyncio.ensure_future(server.stop())
    while not (server._http and server._http.stopping):
        await asyncio.sleep(0.01)
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": "default"}}
    await server.client().create(GroupVersionResource("", "v1", "configmaps"), made, "default")
    go.set()
    seen = await reader.read()
    assert b'"late"' in seen
    assert seen.endswith(b"\r\n0\r\n\r\n")
    await stopping
    writer.close()
    other.close()


# Health.


async def test_every_step_of_the_start_has_a_check_by_the_names_of_kubernetes(server: ApiServer) -> None:
    wire = Wire(server)
    shown = (await wire.call("GET", "/readyz?verbose")).body.decode().splitlines()
    assert shown == [
        "[+]ping ok", "[+]log ok", "[+]informer-sync ok", *(f"[+]{name} ok" for name, _ in HOOKS), "[+]shutdown ok",
        "readyz check passed",
    ]  # fmt: skip
    single = await wire.call("GET", "/livez/poststarthook/rbac/bootstrap-roles")
    assert (single.status, single.body) == (200, b"ok")
    assert (await wire.call("GET", "/readyz/etcd")).status == 404
    assert "/livez/etcd" in (await wire.call("GET", "/")).json()["paths"]
    wire.close()


async def test_a_part_that_broke_is_found_by_its_name(server: ApiServer) -> None:
    task = next(t for t in server._tasks if t.get_name() == "apiserver-registration")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    wire = Wire(server)
    reply = await wire.call("GET", "/livez")
    assert reply.status == 500
    assert b"[-]poststarthook/kube-apiserver-autoregistration failed: reason withheld" in reply.body
    single = await wire.call("GET", "/livez/autoregister-completion")
    assert single.status == 500
    assert single.body == b"internal server error: registration has been ended\n"
    wire.close()


async def test_a_lease_says_which_servers_live(server: ApiServer) -> None:
    async with asyncio.timeout(5):
        while (lease := server.feed.get(LEASES.group_resource, "kube-system", identity_of("host"))) is None:
            await asyncio.sleep(0.01)
    assert lease["metadata"]["annotations"] == {ADDRESS: f"127.0.0.1:{server.port}"}
    assert lease["spec"]["leaseDurationSeconds"] == 3600
    assert lease["spec"]["holderIdentity"].startswith(identity_of("host") + "_")


def test_the_name_of_a_servers_lease_is_that_of_kubernetes() -> None:
    assert identity_of("vm") == "apiserver-wlv32tlttr4jl3gtroqexyxapa"


async def test_statusz_and_flagz_tell_people_what_runs(server: ApiServer) -> None:
    wire = Wire(server)
    status = (await wire.call("GET", "/statusz")).body.decode()
    assert "\napiserver statusz\n" in status
    assert "\nBinary version= 1.36.2\n" in status
    flags = (await wire.call("GET", "/flagz")).body.decode()
    assert "\nshutdown-delay-duration 200ms\n" in flags
    wire.close()
