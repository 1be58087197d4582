"""Request headers that say who a user is: believed of a front proxy, worth nothing from anybody else."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cluster.apiserver.aggregation.trust import MAPS, NAME, combined
from cluster.apiserver.authn.request_headers import FrontProxy
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.storage.memory import MemoryStore
from cluster.testing.authority import Authority

REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
Client = Callable[..., httpx.AsyncClient]


class Keys:
    """Two authorities, and who is signed by them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.users, self.proxies = Authority("users-ca"), Authority("proxies-ca")
        self.server = self.users.issue(folder, "server", "localhost", "127.0.0.1")
        self.alice = self.users.issue(folder, "alice", groups=("devs",))
        self.proxy = self.proxies.issue(folder, "front-proxy-client")
        self.impostor = self.proxies.issue(folder, "impostor")

    def client(self, server: ApiServer, pair: tuple[Path, Path] | None, **headers: str) -> httpx.AsyncClient:
        context = ssl.create_default_context(cafile=str(self.users.own(self.folder)))
        if pair is not None:
            context.load_cert_chain(*pair)
        return httpx.AsyncClient(base_url=server.url, verify=context, headers=headers, trust_env=False)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def server(keys: Keys) -> AsyncIterator[ApiServer]:
    store = MemoryStore()
    front = FrontProxy(client_ca=keys.proxies.own(keys.folder), allowed_names=("front-proxy-client",))
    options = ApiServerOptions(
        tls_certificate=keys.server[0], tls_key=keys.server[1], client_ca=keys.users.own(keys.folder),
        front_proxy=front, tokens={"bob-token": UserInfo("bob")},
    )  # fmt: skip
    made = ApiServer(store, options)
    await made.start()
    yield made
    await made.stop()
    await store.close()


async def who(client: httpx.AsyncClient, headers: Any = ()) -> Any:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    async with client:
        answer = await client.post(REVIEW, json=body, headers=headers)
    return answer.json()["status"]["userInfo"] if answer.status_code == 201 else answer.status_code


async def test_a_front_proxy_says_who_the_user_is(server: ApiServer, keys: Keys) -> None:
    headers = [
        ("X-Remote-User", "carol"), ("X-Remote-Uid", "7"), ("X-Remote-Group", "a, b"), ("X-Remote-Group", "c"),
        ("X-Remote-Extra-Scopes%2Fx", "one"), ("X-Remote-Extra-Scopes%2Fx", "two"),
    ]  # fmt: skip
    assert await who(keys.client(server, keys.proxy), headers) == {
        "username": "carol",
        "uid": "7",
        "groups": ["a, b", "c", "system:authenticated"],
        "extra": {"scopes/x": ["one", "two"]},
    }


async def test_names_are_read_as_utf_8(server: ApiServer, keys: Keys) -> None:
    headers = {"X-Remote-User": "jürgen 用户".encode(), "X-Remote-Group": "gruppe-ä".encode()}
    told = await who(keys.client(server, keys.proxy), headers)
    assert (told["username"], told["groups"]) == ("jürgen 用户", ["gruppe-ä", "system:authenticated"])


async def test_headers_of_anybody_else_are_not_believed(server: ApiServer, keys: Keys) -> None:
    told = {"X-Remote-User": "carol", "X-Remote-Group": "system:masters"}
    assert (await who(keys.client(server, keys.alice), told))["username"] == "alice"
    bob = await who(keys.client(server, None, Authorization="Bearer bob-token"), told)
    assert (bob["username"], bob["groups"]) == ("bob", ["system:authenticated"])


async def test_the_authority_of_front_proxies_vouches_for_no_users(server: ApiServer, keys: Keys) -> None:
    assert await who(keys.client(server, keys.proxy)) == 401
    assert await who(keys.client(server, keys.impostor), {"X-Remote-User": "carol"}) == 401


async def test_a_wrong_credential_does_not_spoil_a_right_one(server: ApiServer, keys: Keys) -> None:
    client = keys.client(server, keys.impostor, Authorization="Bearer bob-token")
    assert (await who(client))["username"] == "bob"


async def test_servers_behind_this_one_are_told_whom_to_believe(server: ApiServer, keys: Keys) -> None:
    found = await server.client().get(MAPS, NAME, "kube-system")
    assert found["data"] == {
        "client-ca-file": keys.users.own(keys.folder).read_text(),
        "requestheader-allowed-names": '["front-proxy-client"]',
        "requestheader-client-ca-file": keys.proxies.own(keys.folder).read_text(),
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-uid-headers": '["X-Remote-Uid"]',
        "requestheader-username-headers": '["X-Remote-User"]',
    }
    assert found["metadata"]["managedFields"][0]["manager"] == "kube-apiserver"


async def test_what_they_are_told_comes_back_when_it_is_taken_away(server: ApiServer) -> None:
    client = server.client()
    start = (await client.get(MAPS, NAME, "kube-system"))["metadata"]["resourceVersion"]
    await client.delete(MAPS, NAME, "kube-system")
    selector = f"metadata.name={NAME}"
    watch = client.watch(MAPS, "kube-system", resource_version=start, field_selector=selector)
    assert [(await anext(watch)).type, (await anext(watch)).type] == ["DELETED", "ADDED"]
    await watch.aclose()  # type: ignore[attr-defined]


def test_what_another_server_has_published_is_kept() -> None:
    def block(text: str) -> str:
        return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"

    names, authority = "requestheader-allowed-names", "requestheader-client-ca-file"
    there = {names: '["a","b"]', authority: block("A"), "client-ca-file": block("C"), "more": "x"}
    wanted = {names: '["b","c"]', authority: block("A") + block("B")}
    both = combined(there, wanted)
    assert both == {**there, names: '["a","b","c"]', authority: block("A") + block("B")}
    assert combined(both, wanted) == both
    assert json.loads(combined({names: "{"}, wanted)[names]) == ["b", "c"]
