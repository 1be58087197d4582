"""The server over HTTP: who may, what is answered to what is wrong, streams."""

from __future__ import annotations

import asyncio
import json

from apiserver_wire import Wire

BASE = "/api/v1/namespaces/default/configmaps"


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


async def test_no_credential_is_anonymous_and_a_wrong_one_is_refused(wire: Wire) -> None:
    assert (await wire.call("GET", BASE, token=None)).status == 403
    assert (await wire.call("GET", BASE, token="wrong")).status == 401
    assert (await wire.call("GET", "/healthz", token=None)).body == b"ok"


async def test_a_token_after_two_blanks_is_ignored_with_a_warning(wire: Wire) -> None:
    reply = await wire.call("GET", BASE, token=None, authorization="Bearer  admin")
    assert reply.status == 403
    assert "contains extra space before the bearer token, and is ignored" in reply.headers["warning"]
    assert (await wire.call("GET", BASE, token=None, authorization="bearer admin")).status == 200


async def test_a_denial_says_what_was_asked(wire: Wire) -> None:
    reply = await wire.call("GET", BASE, token="alice")
    message = 'configmaps is forbidden: User "alice" cannot list resource "configmaps" in API group "" '
    assert reply.json()["message"] == message + 'in the namespace "default"'


async def test_a_role_grants_what_it_names(wire: Wire) -> None:
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    await wire.call("POST", f"{rbac}/roles", {"metadata": {"name": "r"}, "rules": rules})
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    subjects = [{"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}]
    await wire.call("POST", f"{rbac}/rolebindings", {"metadata": {"name": "b"}, "roleRef": ref, "subjects": subjects})
    assert (await wire.call("GET", BASE, token="alice")).status == 200
    assert (await wire.call("GET", f"{BASE}/x", token="alice")).status == 403
    assert (await wire.call("GET", "/api/v1/configmaps", token="alice")).status == 403


async def test_impersonation_takes_the_rights_of_the_other(wire: Wire) -> None:
    assert (await wire.call("GET", BASE, impersonate_user="alice")).status == 403
    assert (await wire.call("GET", BASE, token="alice", impersonate_user="admin")).status == 403


async def test_strict_validation_names_unknown_fields(wire: Wire) -> None:
    body = config_map("a") | {"bogus": 1}
    reply = await wire.call("POST", f"{BASE}?fieldValidation=Strict", body)
    assert reply.status == 400
    assert 'unknown field "bogus"' in reply.json()["message"]
    warned = await wire.call("POST", BASE, body)
    assert warned.status == 201
    assert warned.headers["warning"] == '299 - "unknown field \\"bogus\\""'


async def test_a_body_over_the_limit_is_refused(wire: Wire) -> None:
    reply = await wire.call("POST", BASE, b"x" * (3 * 1024 * 1024 + 1))
    assert reply.status == 413


async def test_a_table_is_what_kubectl_asks_for(wire: Wire) -> None:
    await wire.call("POST", BASE, config_map("a"))
    reply = await wire.call("GET", BASE, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert [c["name"] for c in reply.json()["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert reply.json()["rows"][0]["cells"][:2] == ["a", 0]


async def test_a_watch_ends_at_its_time_with_all_frames(wire: Wire) -> None:
    start = (await wire.call("GET", BASE)).json()["metadata"]["resourceVersion"]
    await wire.call("POST", BASE, config_map("a"))
    await wire.call("DELETE", f"{BASE}/a")
    reply = await wire.call("GET", f"{BASE}?watch=1&resourceVersion={start}&timeoutSeconds=1")
    frames = [json.loads(line) for line in reply.body.splitlines()]
    assert [f["type"] for f in frames] == ["ADDED", "DELETED"]


async def test_a_watch_from_before_the_cache_is_expired(wire: Wire) -> None:
    await wire.call("POST", BASE, config_map("a"))
    wire.server.registry_of(_gvr()).cache.floor = 100
    reply = await wire.call("GET", f"{BASE}?watch=1&resourceVersion=5&timeoutSeconds=1")
    frame = json.loads(reply.body)
    assert (frame["type"], frame["object"]["code"], frame["object"]["reason"]) == ("ERROR", 410, "Expired")


def _gvr():  # type: ignore[no-untyped-def]
    from cluster.meta.types import GroupVersionResource

    return GroupVersionResource("", "v1", "configmaps")


async def test_a_hundred_watchers_see_one_write(wire: Wire) -> None:
    others = [Wire(wire.server) for _ in range(100)]
    path = f"{BASE}?watch=1&timeoutSeconds=1"
    waiting = [asyncio.ensure_future(w.call("GET", path)) for w in others]
    while wire.server.registry_of(_gvr()).cache.watchers < 100:
        await asyncio.sleep(0.01)
    await wire.call("POST", BASE, config_map("a"))
    replies = await asyncio.gather(*waiting)
    for other in others:
        other.close()
    assert {json.loads(r.body.splitlines()[0])["object"]["metadata"]["name"] for r in replies} == {"a"}


async def test_unknown_methods_and_paths(wire: Wire) -> None:
    assert (await wire.call("FOO", BASE)).status == 405


async def test_nonsense_never_gets_a_500(wire: Wire) -> None:
    for body in (b"", b"{", b"[]", b"null", b'"x"', b"1", b"{}" * 3, b'{"metadata":[]}', b'{"metadata":{"name":1}}'):
        reply = await wire.call("POST", BASE, body)
        assert 400 <= reply.status < 500, body
