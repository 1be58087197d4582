"""API servers behind this one: what is handed on to them and how, and what is told of them."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from apiserver_wire import Wire

from cluster.apiserver.authn.request_headers import FrontProxy
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.client.endpoint import KeyPair
from cluster.kinds.checks import LOOPBACK
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource
from cluster.storage.memory import MemoryStore
from cluster.testing.aggregated import AGGREGATED, BASE, GROUP, VERSION, AggregatedServer
from cluster.testing.authority import Authority

SERVICES = GroupVersionResource("", "v1", "services")
SLICES = GroupVersionResource("discovery.k8s.io", "v1", "endpointslices")
API_SERVICES = GroupVersionResource("apiregistration.k8s.io", "v1", "apiservices")
NAME = f"{VERSION}.{GROUP}"
FLUNDERS = f"{BASE}/namespaces/default/flunders"


class World:
    """A server, another one behind it, and what makes the one known to the other."""

    def __init__(self, server: ApiServer, behind: AggregatedServer, bundle: str) -> None:
        self.server, self.behind, self.bundle = server, behind, bundle
        self.client = server.client()
        self.wire = Wire(server)

    async def service(self, port: int = 7443, **spec: Any) -> None:
        made = {"ports": [{"port": port, "targetPort": 443}], **spec}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "sample-api"}, "spec": made}
        await self.client.create(SERVICES, body, "default")

    async def slice(self, port: int = 0, name: str = "") -> None:
        body = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "s", "labels": {"kubernetes.io/service-name": "sample-api"}},
            "addressType": "IPv4",
            "ports": [{"name": name, "port": port or self.behind.port}],
            "endpoints": [{"addresses": ["127.0.0.1"]}],
        }
        await self.client.create(SLICES, body, "default")

    async def register(self, **spec: Any) -> None:
        service = {"namespace": "default", "name": "sample-api", "port": 7443}
        made = {
            "group": GROUP, "version": VERSION, "groupPriorityMinimum": 2000, "versionPriority": 200,
            "caBundle": self.bundle, "service": service,
        }  # fmt: skip
        body = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": NAME}}
        await self.client.create(API_SERVICES, {**body, "spec": {**made, **spec}})

    async def settled(self, reason: str) -> dict[str, Any]:
        """The condition, once it has this reason."""
        async with asyncio.timeout(10):
            async for event in self.client.watch(API_SERVICES, resource_version="0"):
                conditions = (event.object.get("status") or {}).get("conditions") or [{}]
                if event.object["metadata"]["name"] == NAME and conditions[0].get("reason") == reason:
                    return dict(conditions[0])
        raise AssertionError

    async def ready(self) -> None:
        await self.service()
        await self.slice()
        await self.register()
        await self.settled("Passed")

    async def at_rest(self) -> None:
        """Until the server behind has been looked at once more, as it is after each change of its condition."""
        async with asyncio.timeout(10):
            while len([r for r in self.behind.seen if r.path == BASE]) < 2:
                await asyncio.sleep(0.01)

    async def until(self, path: str, holds: Any, **headers: str) -> Any:
        """The document at a path, once it is as wanted."""
        async with asyncio.timeout(10):
            while True:
                found = (await self.wire.call("GET", path, **headers)).json()
                if holds(found):
                    return found
                await asyncio.sleep(0.01)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    proxies, backend = Authority("proxies"), Authority("backend")
    behind = AggregatedServer(
        *backend.issue(tmp_path, "sample", "sample-api.default.svc"), front_proxy=proxies.own(tmp_path)
    )
    await behind.start()
    store = MemoryStore()
    alice = UserInfo("alice", "alice-uid", ("devs", "a, b"), (("scopes/x", ("one", "two")),))
    options = ApiServerOptions(
        tokens={"admin": UserInfo("admin", "", ("system:masters",)), "alice": alice},
        front_proxy=FrontProxy(client_ca=proxies.own(tmp_path)),
        proxy_client=KeyPair(*proxies.issue(tmp_path, "front-proxy-client")),
        allowances=frozenset({LOOPBACK}),
    )
    server = ApiServer(store, options)
    await server.start()
    made = World(server, behind, base64.b64encode(backend.own(tmp_path).read_bytes()).decode())
    yield made
    made.wire.close()
    await server.stop()
    await behind.stop()
    await store.close()


async def allow_alice(world: World) -> None:
    rbac = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "create"]}]
    role = {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": "flunders"}, "rules": rules}
    await world.client.create(GroupVersionResource(rbac, "v1", "clusterroles"), role)
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "flunders"},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "flunders"},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": "alice"}],
    }
    await world.client.create(GroupVersionResource(rbac, "v1", "clusterrolebindings"), binding)


# Availability.


async def test_the_condition_says_what_is_missing_step_by_step(world: World) -> None:
    await world.register()
    found = await world.settled("ServiceNotFound")
    assert found["status"] == "False"
    assert found["message"] == 'service/sample-api in "default" is not present'
    await world.service(443)
    found = await world.settled("ServicePortError")
    assert found["message"] == 'service/sample-api in "default" is not listening on port 7443'
    await world.client.patch(SERVICES, "sample-api", "default", {"spec": {"ports": [{"port": 7443}]}})
    found = await world.settled("EndpointsNotFound")
    assert found["message"] == 'cannot find endpointslices for service/sample-api in "default"'
    await world.slice(name="other")
    found = await world.settled("MissingEndpoints")
    assert found["message"] == (
        'endpointslices for service/sample-api in "default" have no addresses with port name ""'
    )
    await world.client.patch(SLICES, "s", "default", {"ports": [{"name": "", "port": 1}]})
    found = await world.settled("FailedDiscoveryCheck")
    url = f"https://127.0.0.1:1{BASE}"
    assert found["message"] == (
        f'failing or missing response from {url}: Get "{url}": dial tcp 127.0.0.1:1: connect: connection refused'
    )
    await world.client.patch(SLICES, "s", "default", {"ports": [{"name": "", "port": world.behind.port}]})
    found = await world.settled("Passed")
    assert (found["status"], found["message"]) == ("True", "all checks passed")
    asked = world.behind.seen[0]
    assert (asked.method, asked.path) == ("GET", BASE)
    assert asked.headers["x-remote-user"] == "system:kube-aggregator"
    assert asked.headers["x-remote-group"] == "system:masters"


async def test_a_server_with_another_authority_is_not_believed(world: World, tmp_path: Path) -> None:
    await world.service()
    await world.slice()
    other = base64.b64encode(Authority("other").own(tmp_path).read_bytes()).decode()
    await world.register(caBundle=other)
    url = f"https://127.0.0.1:{world.behind.port}{BASE}"
    assert (await world.settled("FailedDiscoveryCheck"))["message"] == (
        f'failing or missing response from {url}: Get "{url}": '
        "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    )
    spec = {"caBundle": None, "insecureSkipTLSVerify": True}
    await world.client.patch(API_SERVICES, NAME, "", {"spec": spec})
    await world.settled("Passed")
    assert (await world.wire.call("GET", FLUNDERS)).status == 200


async def test_a_server_that_answers_with_an_error_is_not_available(world: World) -> None:
    world.behind.broken = 500
    await world.service()
    await world.slice()
    await world.register()
    url = f"https://127.0.0.1:{world.behind.port}{BASE}"
    assert (await world.settled("FailedDiscoveryCheck"))["message"] == (
        f"failing or missing response from {url}: bad status from {url}: 500"
    )
    world.behind.broken = 0
    assert (await world.settled("Passed"))["status"] == "True"


async def test_a_group_version_that_comes_home_is_available(world: World) -> None:
    await world.ready()
    await world.client.patch(API_SERVICES, NAME, "", {"spec": {"service": None, "caBundle": None}})
    found = await world.settled("Local")
    assert found["message"] == "Local APIServices are always available"
    assert (await world.wire.call("GET", FLUNDERS)).status == 404


async def test_the_metrics_name_what_is_not_available(world: World) -> None:
    await world.ready()
    await world.client.delete(SERVICES, "sample-api", "default")
    await world.settled("ServiceNotFound")
    lines = (await world.wire.call("GET", "/metrics")).body.decode().splitlines()
    assert f'aggregator_unavailable_apiservice{{name="{NAME}"}} 1' in lines
    assert 'aggregator_unavailable_apiservice{name="v1.apps"} 0' in lines
    assert f'aggregator_unavailable_apiservice_total{{name="{NAME}",reason="ServiceNotFound"}} 1' in lines


# Requests.


async def test_a_request_arrives_as_it_was_sent_in_the_users_name(world: World) -> None:
    await world.ready()
    await allow_alice(world)
    body = {"metadata": {"name": "f"}, "spec": {"size": 3}}
    answer = await world.wire.call(
        "POST", f"{FLUNDERS}?b=2&a=1%2F3", body, token="alice",
        x_remote_user="root", x_remote_extra_more="x", x_foo="1", te="trailers", x_forwarded_for="1.2.3.4",
    )  # fmt: skip
    assert answer.status == 201
    assert answer.json()["metadata"]["resourceVersion"] == "1"
    (got,) = world.behind.requests(BASE)
    assert (got.method, got.path, got.query) == ("POST", FLUNDERS, "b=2&a=1%2F3")
    assert json.loads(got.body) == body
    assert got.certificate is not None
    host = f"127.0.0.1:{world.behind.port}"
    headers = {name: value for name, value in got.headers.items() if name.startswith("x-") or name in ("host", "te")}
    assert headers == {
        "host": host,
        "x-foo": "1",
        "x-forwarded-for": "1.2.3.4, 127.0.0.1",
        "x-forwarded-host": host,
        "x-forwarded-proto": "https",
        "x-forwarded-uri": FLUNDERS,
        "x-remote-user": "alice",
        "x-remote-uid": "alice-uid",
        "x-remote-group": "devs, a, b, system:authenticated",
        "x-remote-extra-scopes%2fx": "one, two",
    }
    assert got.values("x-remote-group") == ["devs", "a, b", "system:authenticated"]
    assert "authorization" not in got.headers
    assert got.headers["audit-id"] == answer.headers["audit-id"]


async def test_names_arrive_as_they_are(world: World) -> None:
    await world.ready()
    user = UserInfo("jürgen 用户", groups=("system:masters", "gruppe-ä"))
    await world.server.client(user).list(GroupVersionResource(GROUP, VERSION, "flunders"), "default")
    (got,) = world.behind.requests(BASE)
    sent = [value.encode("latin-1").decode() for value in (got.headers["x-remote-user"], *got.values("x-remote-group"))]
    assert sent == ["jürgen 用户", "system:masters", "gruppe-ä"]


async def test_who_acts_for_another_is_that_other(world: World) -> None:
    await world.ready()
    await world.wire.call("GET", FLUNDERS, impersonate_user="bob", impersonate_group="system:masters")
    (got,) = world.behind.requests(BASE)
    assert got.headers["x-remote-user"] == "bob"
    assert not [name for name in got.headers if name.startswith("impersonate")]


async def test_nothing_is_handed_on_that_the_user_may_not(world: World) -> None:
    await world.ready()
    await allow_alice(world)
    refused = await world.wire.call("DELETE", f"{FLUNDERS}/f", token="alice")
    assert refused.status == 403
    assert refused.json()["message"] == (
        f'flunders.{GROUP} "f" is forbidden: User "alice" cannot delete resource "flunders" in API group "{GROUP}" '
        'in the namespace "default"'
    )
    assert world.behind.requests(BASE) == []


async def test_errors_of_the_server_are_its_own(world: World) -> None:
    await world.ready()
    answer = await world.wire.call("GET", f"{FLUNDERS}/none")
    assert (answer.status, answer.json()["message"]) == (404, f'flunders.{GROUP} "none" not found')


async def test_connections_are_used_again_and_a_lost_one_is_replaced(world: World) -> None:
    await world.ready()
    await world.at_rest()
    before = set(world.behind._http.connections)
    for _ in range(5):
        assert (await world.wire.call("GET", FLUNDERS)).status == 200
    connections = set(world.behind._http.connections)
    assert connections
    assert connections == before
    for connection in connections:
        connection.abort()
    assert (await world.wire.call("GET", FLUNDERS)).status == 200


async def test_a_watch_streams_and_ends_with_its_client(world: World) -> None:
    await world.ready()
    reader, writer = await asyncio.open_connection(*world.wire._address)
    writer.write(f"GET {FLUNDERS}?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n".encode())
    async with asyncio.timeout(10):
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        for name in ("a", "b"):
            await world.wire.call("POST", FLUNDERS, {"metadata": {"name": name}})
            frame = json.loads(await reader.readexactly(int(await reader.readuntil(b"\r\n"), 16)))
            await reader.readexactly(2)
            assert (frame["type"], frame["object"]["metadata"]["name"]) == ("ADDED", name)
        writer.close()
        while not world.behind.watches_ended:
            await world.wire.call("POST", FLUNDERS, {"metadata": {"name": "more"}})


async def test_a_connection_is_upgraded_with_as_much_in_flight_as_the_slower_side_takes(world: World) -> None:
    await world.ready()
    reader, writer = await asyncio.open_connection(*world.wire._address)
    head = "Host: x\r\nAuthorization: Bearer admin\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"
    writer.write(f"POST {FLUNDERS}/f/exec?command=ls HTTP/1.1\r\n{head}\r\n".encode())
    async with asyncio.timeout(20):
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        data = b"abcdefgh" * 500_000
        writer.write(data)
        sending = asyncio.ensure_future(writer.drain())
        assert await reader.readexactly(len(data)) == data.upper()
        await sending
    writer.close()
    (got,) = world.behind.requests(BASE)
    assert got.headers["x-remote-user"] == "admin"


async def test_a_refused_upgrade_is_answered_and_nothing_more_passes(world: World) -> None:
    await world.ready()
    world.behind.broken = 403
    answer = await world.wire.call("POST", f"{FLUNDERS}/f/exec", connection="Upgrade", upgrade="echo")
    assert (answer.status, answer.body) == (403, b"broken\n")
    assert answer.headers["connection"] == "close"


async def test_without_an_available_server_the_answer_is_503(world: World) -> None:
    await world.register()
    await world.settled("ServiceNotFound")
    for path in (BASE, FLUNDERS, f"{FLUNDERS}/a"):
        answer = await world.wire.call("GET", path)
        assert (answer.status, answer.body) == (503, b"service unavailable\n")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await world.wire.call("GET", f"{BASE}x/flunders")).status == 404


async def test_a_server_that_cannot_be_reached_any_more_is_a_503_with_the_reason(world: World) -> None:
    await world.ready()
    await world.at_rest()
    port = world.behind.port
    await world.behind.stop()
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused\n"
    answer = await world.wire.call("GET", FLUNDERS)
    assert (answer.status, answer.body.decode()) == (503, f"error trying to reach service: {refused}")
    answer = await world.wire.call("GET", f"{FLUNDERS}/a/exec", connection="Upgrade", upgrade="echo")
    assert (answer.status, answer.body.decode()) == (503, f"error dialing backend: {refused}")


async def test_a_silent_server_does_not_hold_up_discovery(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.ready()
    monkeypatch.setattr("cluster.apiserver.aggregation.proxy.DISCOVERY_SECONDS", 0.05)
    world.behind.slow.clear()
    answer = await world.wire.call("GET", BASE)
    assert (answer.status, answer.body) == (503, b"error trying to reach service: context deadline exceeded\n")
    answer = await world.wire.call("GET", f"{FLUNDERS}?timeout=50ms")
    assert (answer.status, answer.json()["reason"]) == (504, "Timeout")
    assert answer.json()["message"] == "Timeout: request did not complete within the allotted timeout"
    world.behind.slow.set()


# Clients in the same process.

FLUNDER = GroupVersionResource(GROUP, VERSION, "flunders")


async def test_clients_in_the_process_reach_the_server_too(world: World) -> None:
    await world.ready()
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Flunder", "metadata": {"name": "one"}}
    made = await world.client.create(FLUNDER, body, "default")
    assert made["metadata"]["uid"] == "u"
    assert [o["metadata"]["name"] for o in (await world.client.list(FLUNDER, "default")).items] == ["one"]
    watch = world.client.watch(FLUNDER, "default", resource_version="1")
    coming = asyncio.ensure_future(anext(watch))
    while not world.behind.watching:
        await asyncio.sleep(0)
    await world.client.delete(FLUNDER, "one", "default")
    event = await coming
    assert (event.type, event.object["metadata"]["name"]) == ("DELETED", "one")
    await watch.aclose()  # type: ignore[attr-defined]
    with pytest.raises(StatusError) as caught:
        await world.client.get(FLUNDER, "one", "default")
    assert (caught.value.code, caught.value.message) == (404, f'flunders.{GROUP} "one" not found')
    assert world.behind.requests(BASE)[0].headers["x-remote-user"] == "system:apiserver"


async def test_clients_in_the_process_have_their_users_rights_and_hear_of_a_lost_server(world: World) -> None:
    await world.ready()
    with pytest.raises(StatusError) as caught:
        await world.server.client(UserInfo("bob")).list(FLUNDER, "default")
    assert caught.value.code == 403
    assert world.behind.requests(BASE) == []
    await world.client.delete(SERVICES, "sample-api", "default")
    await world.settled("ServiceNotFound")
    with pytest.raises(StatusError) as caught:
        await world.client.list(FLUNDER, "default")
    assert caught.value.code == 503


# Discovery.


async def test_plain_discovery_lists_the_group_by_its_priority(world: World) -> None:
    await world.ready()
    groups = [g["name"] for g in (await world.wire.call("GET", "/apis")).json()["groups"]]
    assert groups[0] == "apiregistration.k8s.io"
    assert groups[-1] == GROUP
    version = {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
    assert (await world.wire.call("GET", f"/apis/{GROUP}")).json() == {
        "kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "versions": [version], "preferredVersion": version,
    }  # fmt: skip
    assert (await world.wire.call("GET", BASE)).json()["resources"][0]["name"] == "flunders"
    await world.client.patch(API_SERVICES, NAME, "", {"spec": {"groupPriorityMinimum": 17790}})
    groups = [g["name"] for g in (await world.wire.call("GET", "/apis")).json()["groups"]]
    assert groups[:4] == ["apiregistration.k8s.io", "apps", GROUP, "events.k8s.io"]
    await world.client.delete(API_SERVICES, NAME)
    assert (await world.wire.call("GET", f"/apis/{GROUP}")).body == b"404 page not found\n"


def of_wardle(document: dict[str, Any]) -> dict[str, Any]:
    found = [item for item in document["items"] if item["metadata"]["name"] == GROUP]
    return dict(found[0]["versions"][0]) if found else {}


@pytest.mark.parametrize("modern", [True, False])
async def test_aggregated_discovery_tells_what_the_server_serves(world: World, modern: bool) -> None:
    world.behind.modern = modern
    await world.ready()
    document = await world.until("/apis", lambda d: of_wardle(d).get("freshness") == "Current", accept=AGGREGATED)
    found = of_wardle(document)
    assert found["version"] == VERSION
    (resource,) = found["resources"]
    assert (resource["resource"], resource["scope"], resource["shortNames"]) == ("flunders", "Namespaced", ["fl"])
    assert resource["responseKind"]["kind"] == "Flunder"
    subresources = [sub["subresource"] for sub in resource.get("subresources", ())]
    assert subresources == ([] if modern else ["status"])


async def test_aggregated_discovery_tells_a_lost_server_as_stale(world: World) -> None:
    await world.ready()
    await world.until("/apis", lambda d: of_wardle(d).get("freshness") == "Current", accept=AGGREGATED)
    await world.client.delete(SERVICES, "sample-api", "default")
    document = await world.until("/apis", lambda d: of_wardle(d).get("freshness") == "Stale", accept=AGGREGATED)
    assert of_wardle(document) == {"version": VERSION, "freshness": "Stale"}
    await world.client.delete(API_SERVICES, NAME)
    await world.until("/apis", lambda d: not of_wardle(d), accept=AGGREGATED)


async def test_a_group_version_of_ours_can_be_given_to_another_server(world: World) -> None:
    await world.service()
    await world.slice()
    service = {"namespace": "default", "name": "sample-api", "port": 7443}
    await world.client.patch(API_SERVICES, "v1.batch", "", {"spec": {"service": service, "caBundle": world.bundle}})
    assert (await world.wire.call("GET", "/apis/batch/v1/namespaces/default/jobs")).status == 404
    (got,) = world.behind.requests("/apis/batch/v1/namespaces")
    assert got.headers["x-remote-user"] == "admin"
    await world.client.patch(API_SERVICES, "v1.batch", "", {"spec": {"service": None, "caBundle": None}})
    assert (await world.wire.call("GET", "/apis/batch/v1/namespaces/default/jobs")).json()["kind"] == "JobList"


# OpenAPI.


async def test_openapi_v3_documents_come_from_the_server_itself(world: World) -> None:
    await world.ready()
    path = BASE.removeprefix("/")
    index = await world.until("/openapi/v3", lambda d: path in d["paths"])
    assert "apis/apps/v1" in index["paths"]
    where = index["paths"][path]["serverRelativeURL"]
    document = (await world.wire.call("GET", where)).json()
    assert document["info"]["title"] == "wardle"
    (got,) = world.behind.requests(f"/openapi/v3{BASE}")
    assert got.headers["x-remote-user"] == "admin"
    assert got.query.startswith("hash=")


async def test_openapi_v3_of_an_old_server_is_told_from_its_v2(world: World) -> None:
    world.behind.modern = False
    await world.ready()
    path = BASE.removeprefix("/")
    index = await world.until("/openapi/v3", lambda d: path in d["paths"])
    answer = await world.wire.call("GET", index["paths"][path]["serverRelativeURL"])
    document = answer.json()
    assert answer.headers["cache-control"] == "public, immutable"
    flunder = document["components"]["schemas"]["com.example.wardle.v1alpha1.Flunder"]
    assert flunder["properties"]["metadata"] == {
        "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    }
    post = document["paths"][f"{BASE}/namespaces/{{namespace}}/flunders"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/com.example.wardle.v1alpha1.Flunder"
    }


async def test_openapi_v2_holds_both_and_keeps_names_apart(world: World) -> None:
    await world.ready()
    where = f"{BASE}/namespaces/{{namespace}}/flunders"
    document = await world.until("/openapi/v2", lambda d: where in d["paths"])
    definitions = document["definitions"]
    meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    assert definitions[f"{meta}_v2"]["description"] == "another ObjectMeta"
    assert "annotations" in definitions[meta]["properties"]
    flunder = definitions["com.example.wardle.v1alpha1.Flunder"]
    assert flunder["properties"]["metadata"]["$ref"] == f"#/definitions/{meta}_v2"
    proto = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    answer = await world.wire.call(
        "GET", "/openapi/v2", accept="application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    )
    assert answer.headers["content-type"] == proto
    assert b"com.example.wardle.v1alpha1.Flunder" in answer.body


# kubectl.


async def kubectl(world: World, home: Path, *words: str) -> str:
    """What it prints; anybody may do anything here, since it keeps tokens back from a server without TLS."""
    rbac = "rbac.authorization.k8s.io"
    bindings = GroupVersionResource(rbac, "v1", "clusterrolebindings")
    binding = {
        "apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "anyone"},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": rbac, "kind": "Group", "name": "system:unauthenticated"}],
    }  # fmt: skip
    if world.server.feed.get(bindings.group_resource, "", "anyone") is None:
        await world.client.create(bindings, binding)
    process = await asyncio.create_subprocess_exec(
        "kubectl", "--server", world.server.url, "--kubeconfig", "/dev/null", "--cache-dir", str(home), *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(30):
        printed, _ = await process.communicate()
    return printed.decode()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
async def test_kubectl_finds_and_handles_what_the_server_serves(world: World, tmp_path: Path) -> None:
    await world.ready()
    await world.until("/apis", lambda d: of_wardle(d).get("freshness") == "Current", accept=AGGREGATED)
    printed = await kubectl(world, tmp_path, "api-resources", "--api-group", GROUP)
    assert printed.splitlines()[1].split() == ["flunders", "fl", f"{GROUP}/{VERSION}", "true", "Flunder"]
    manifest = tmp_path / "flunder.json"
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Flunder", "metadata": {"name": "one"}, "spec": {"size": 1}}
    manifest.write_text(json.dumps(body))
    assert await kubectl(world, tmp_path, "create", "-f", str(manifest)) == f"flunder.{GROUP}/one created\n"
    assert (await kubectl(world, tmp_path, "get", "fl")).splitlines()[1].split()[0] == "one"
    assert "FIELD: size <integer>" in await kubectl(world, tmp_path, "explain", "flunder.spec.size")
    printed = await kubectl(world, tmp_path, "get", "apiservice", NAME, "--no-headers")
    assert printed.split()[:3] == [NAME, "default/sample-api", "True"]
    await world.client.delete(SERVICES, "sample-api", "default")
    await world.settled("ServiceNotFound")
    printed = await kubectl(world, tmp_path, "get", f"flunders.{VERSION}.{GROUP}")
    assert "the server is currently unable to handle the request" in printed
    printed = await kubectl(world, tmp_path, "get", "apiservice", NAME, "--no-headers")
    assert printed.split()[2:4] == ["False", "(ServiceNotFound)"]
