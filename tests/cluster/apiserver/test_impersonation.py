"""Acting as somebody else: the broad right, the narrow ones, and what is refused."""

from __future__ import annotations

from typing import Any

from apiserver_wire import Reply, Wire

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.storage.memory import MemoryStore

RBAC = "/apis/rbac.authorization.k8s.io/v1"
SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
NODES = "/api/v1/nodes"
_AUTHN = "authentication.k8s.io"


async def grant(wire: Wire, *rules: dict[str, Any]) -> None:
    """Rights of alice."""
    await wire.call("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "r"}, "rules": list(rules)})
    ref = {"kind": "ClusterRole", "name": "r"}
    subjects = [{"kind": "User", "name": "alice"}]
    await wire.call(
        "POST", f"{RBAC}/clusterrolebindings", {"metadata": {"name": "r"}, "roleRef": ref, "subjects": subjects}
    )


def rule(verb: str, group: str, *resources: str, **more: Any) -> dict[str, Any]:
    return {"verbs": [verb], "apiGroups": [group], "resources": list(resources), **more}


async def who(wire: Wire, token: str = "alice", **headers: str) -> Reply:
    return await wire.call("POST", SELF, {}, token, **headers)


def user(reply: Reply) -> dict[str, Any]:
    found: dict[str, Any] = reply.json()["status"]["userInfo"]
    return found


async def test_the_broad_right_is_asked_of_user_groups_uid_and_extra(wire: Wire) -> None:
    await grant(
        wire,
        rule("impersonate", "", "users", resourceNames=["bob"]),
        rule("impersonate", "", "groups"),
        rule("impersonate", _AUTHN, "userextras/scopes"),
    )
    reply = await who(wire, impersonate_user="bob", impersonate_group="devs", impersonate_extra_scopes="view")
    assert user(reply) == {
        "username": "bob", "groups": ["devs", "system:authenticated"], "extra": {"scopes": ["view"]}
    }  # fmt: skip
    refused = await who(wire, impersonate_user="bob", impersonate_uid="1")
    assert 'cannot impersonate resource "uids" in API group "authentication.k8s.io"' in refused.json()["message"]


async def test_the_first_narrow_way_that_fits_says_what_is_missing(wire: Wire) -> None:
    said = (await who(wire, impersonate_user="bob")).json()["message"]
    assert said == (
        'selfsubjectreviews.authentication.k8s.io is forbidden: User "alice" cannot impersonate-on:user-info:create '
        'resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope'
    )
    node = (await who(wire, impersonate_user="system:node:n1")).json()["message"]
    assert "cannot impersonate-on:arbitrary-node:create" in node
    account = (await who(wire, impersonate_user="system:serviceaccount:default:x")).json()["message"]
    assert "cannot impersonate-on:serviceaccount:create" in account


async def test_before_kubernetes_1_36_there_is_the_broad_right_alone() -> None:
    store = MemoryStore()
    server = ApiServer(store, ApiServerOptions(tokens={"alice": UserInfo("alice")}, kubernetes_version="1.35.0"))
    await server.start()
    wire = Wire(server)
    said = (await who(wire, impersonate_user="bob")).json()["message"]
    wire.close()
    await server.stop()
    await store.close()
    assert said.startswith('users "bob" is forbidden: User "alice" cannot impersonate resource "users"')


async def test_a_narrow_right_holds_for_the_verbs_it_names(wire: Wire) -> None:
    await grant(
        wire,
        rule("impersonate:user-info", _AUTHN, "users", resourceNames=["bob"]),
        rule("impersonate-on:user-info:create", _AUTHN, "selfsubjectreviews"),
    )
    assert user(await who(wire, impersonate_user="bob"))["username"] == "bob"
    other = await wire.call("GET", NODES, token="alice", impersonate_user="bob")
    assert 'cannot impersonate-on:user-info:list resource "nodes"' in other.json()["message"]


async def test_who_acts_as_a_node_gets_its_group_and_may_claim_no_other(wire: Wire) -> None:
    await grant(
        wire,
        rule("impersonate:arbitrary-node", _AUTHN, "nodes"),
        rule("impersonate-on:arbitrary-node:create", _AUTHN, "selfsubjectreviews"),
    )
    found = user(await who(wire, impersonate_user="system:node:n1"))
    assert found["groups"] == ["system:nodes", "system:authenticated"]
    refused = await who(wire, impersonate_user="system:node:n1", impersonate_group="system:nodes")
    assert refused.status == 403


async def test_nobody_becomes_a_master_in_a_narrow_way(wire: Wire) -> None:
    await grant(
        wire,
        rule("impersonate:user-info", "*", "*"),
        rule("impersonate-on:user-info:create", _AUTHN, "selfsubjectreviews"),
    )
    refused = await who(wire, impersonate_user="bob", impersonate_group="system:masters")
    assert "impersonating the system:masters group is not allowed" in refused.json()["message"]
    key = await who(wire, impersonate_user="bob", impersonate_extra_scopes="view")
    assert 'must be a domain-prefixed path (such as "acme.io/foo")' in key.json()["message"]
    assert user(await who(wire, impersonate_user="bob", impersonate_group="devs"))["groups"][0] == "devs"


async def test_the_way_that_last_worked_is_tried_first(wire: Wire) -> None:
    await grant(wire, rule("impersonate", "", "users", resourceNames=["bob"]))
    assert (await who(wire, impersonate_user="bob")).status == 201
    assert "cannot impersonate resource" in (await who(wire, impersonate_user="eve")).json()["message"]


async def test_groups_come_with_the_name(wire: Wire) -> None:
    account = user(await who(wire, "admin", impersonate_user="system:serviceaccount:default:x"))
    assert account["groups"] == ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]
    nobody = user(await who(wire, "admin", impersonate_user="system:anonymous", impersonate_group="system:masters"))
    assert nobody["groups"] == ["system:masters", "system:unauthenticated"]


async def test_a_group_without_a_user_is_a_bad_request(wire: Wire) -> None:
    reply = await who(wire, "admin", impersonate_group="devs")
    assert reply.status == 400
    assert reply.json()["message"] == (
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"devs"}, Extra:map[string][]string(nil)} '
        "without impersonating a user name"
    )
