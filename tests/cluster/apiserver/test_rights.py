"""Who may hand out rights, what a node may read and write, and who speaks for a signer."""

from __future__ import annotations

import base64

import pytest

from cluster.apiserver.authn.bootstrap_tokens import BootstrapTokens
from cluster.apiserver.authz.escalation import compact, covers, parts, shown
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersionResource, Obj

RBAC = "rbac.authorization.k8s.io"
ROLES = GroupVersionResource(RBAC, "v1", "roles")
BINDINGS = GroupVersionResource(RBAC, "v1", "rolebindings")
PODS, NODES = GroupVersionResource("", "v1", "pods"), GroupVersionResource("", "v1", "nodes")
SECRETS, ACCOUNTS = GroupVersionResource("", "v1", "secrets"), GroupVersionResource("", "v1", "serviceaccounts")
LEASES = GroupVersionResource("coordination.k8s.io", "v1", "leases")
ALICE = UserInfo("alice", "", ("system:authenticated",))
N1 = UserInfo("system:node:n1", "", ("system:nodes", "system:authenticated"))


def role(name: str, *rules: Obj) -> Obj:
    return {"metadata": {"name": name}, "rules": list(rules)}


def rule(verbs: list[str], resources: list[str], group: str = "") -> Obj:
    return {"verbs": verbs, "apiGroups": [group], "resources": resources}


@pytest.fixture
async def manager(server: ApiServer) -> ApiServer:
    """A server where alice writes roles and bindings, and reads pods."""
    admin = server.client()
    may = role("may", rule(["create", "update"], ["roles", "rolebindings"], RBAC), rule(["get"], ["pods"]))
    await admin.create(ROLES, may, "default")
    binding = {
        "metadata": {"name": "may"},
        "roleRef": {"kind": "Role", "name": "may", "apiGroup": RBAC},
        "subjects": [{"kind": "User", "name": "alice", "apiGroup": RBAC}],
    }
    await admin.create(BINDINGS, binding, "default")
    return server


async def refused(call) -> StatusError:  # type: ignore[no-untyped-def]
    with pytest.raises(StatusError) as caught:
        await call
    return caught.value


async def test_what_one_has_one_may_give(manager: ApiServer) -> None:
    made = await manager.client(ALICE).create(ROLES, role("ok", rule(["get"], ["pods"])), "default")
    assert made["metadata"]["name"] == "ok"


async def test_what_one_lacks_one_may_not_give(manager: ApiServer) -> None:
    wanted = role("more", rule(["get", "delete"], ["pods", "secrets"]))
    error = await refused(manager.client(ALICE).create(ROLES, wanted, "default"))
    assert error.code == 403
    assert '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}' in error.message
    assert '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}' in error.message


async def test_a_binding_gives_what_its_role_says(manager: ApiServer) -> None:
    await manager.client().create(ROLES, role("strong", rule(["*"], ["*"])), "default")
    binding = {"metadata": {"name": "b"}, "roleRef": {"kind": "Role", "name": "strong", "apiGroup": RBAC}}
    assert (await refused(manager.client(ALICE).create(BINDINGS, binding, "default"))).code == 403
    missing = {"metadata": {"name": "b"}, "roleRef": {"kind": "Role", "name": "none", "apiGroup": RBAC}}
    assert (await refused(manager.client(ALICE).create(BINDINGS, missing, "default"))).code == 404


async def test_the_verb_bind_frees_of_the_check(manager: ApiServer) -> None:
    admin = manager.client()
    await admin.create(ROLES, role("strong", rule(["*"], ["*"])), "default")
    may = await admin.get(ROLES, "may", "default")
    await admin.update(ROLES, {**may, "rules": [*may["rules"], rule(["bind"], ["roles"], RBAC)]})
    binding = {"metadata": {"name": "b"}, "roleRef": {"kind": "Role", "name": "strong", "apiGroup": RBAC}}
    await manager.client(ALICE).create(BINDINGS, binding, "default")


@pytest.mark.parametrize(
    ("ref", "code", "says"),
    [
        ({"kind": "Role", "name": "gone", "apiGroup": RBAC}, 404, f'rolebindings.{RBAC} "gone" not found'),
        ({"kind": "Role", "name": "", "apiGroup": RBAC}, 400, "Name parameter required."),
        ({"kind": "Group", "name": "x", "apiGroup": RBAC}, 500, 'unsupported role reference kind: "Group"'),
    ],
)
async def test_a_binding_to_what_is_no_role(manager: ApiServer, ref: Obj, code: int, says: str) -> None:
    wanted = {"metadata": {"name": "b"}, "roleRef": ref, "subjects": []}
    error = await refused(manager.client(ALICE).create(BINDINGS, wanted, "default"))
    assert (error.code, error.message) == (code, says)


async def test_a_change_for_garbage_collection_is_free_and_any_other_is_not(manager: ApiServer) -> None:
    await manager.client().create(ROLES, role("strong", rule(["*"], ["secrets"])), "default")
    held = clone(await manager.client().get(ROLES, "strong", "default"))
    held["metadata"]["finalizers"] = ["example.com/wait"]
    changed = clone(await manager.client(ALICE).update(ROLES, held))
    changed["metadata"]["labels"] = {"a": "b"}
    error = await refused(manager.client(ALICE).update(ROLES, changed))
    assert "is attempting to grant RBAC permissions not currently held" in error.message


def test_parts_cover_and_compact_to_what_they_came_from() -> None:
    whole = {"verbs": ["get", "list"], "apiGroups": ["", "apps"], "resources": ["pods"], "resourceNames": ["a"]}
    pieces = list(parts(whole))
    assert len(pieces) == 4
    assert all(covers(whole, piece) for piece in pieces)
    assert [p["verbs"] for p in compact(pieces)] == [["get", "list"], ["get", "list"]]
    assert not covers(whole, {**pieces[0], "resourceNames": ["b"]})
    assert not covers(whole, {k: v for k, v in pieces[0].items() if k != "resourceNames"})
    assert covers(
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*/status"]}, next(parts(rule(["get"], ["a/status"])))
    )
    assert shown({"nonResourceURLs": ["/x"], "verbs": ["get"]}) == '{NonResourceURLs:["/x"], Verbs:["get"]}'


# Nodes.


async def node_with_pod(server: ApiServer) -> None:
    admin = server.client()
    await admin.create(ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    for name in ("used", "other"):
        await admin.create(SECRETS, {"metadata": {"name": name}}, "default")
    container = {
        "name": "c",
        "image": "x",
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "used", "key": "k"}}}],
    }
    await admin.create(
        PODS, {"metadata": {"name": "p"}, "spec": {"nodeName": "n1", "containers": [container]}}, "default"
    )


async def test_a_node_reads_what_its_pods_refer_to(server: ApiServer) -> None:
    await node_with_pod(server)
    client = server.client(N1)
    assert (await client.get(SECRETS, "used", "default"))["metadata"]["name"] == "used"
    error = await refused(client.get(SECRETS, "other", "default"))
    assert "no relationship found between node 'n1' and this object" in error.message
    stranger = server.client(UserInfo("system:node:n2", "", N1.groups))
    assert (await refused(stranger.get(SECRETS, "used", "default"))).code == 403


async def test_a_node_writes_its_own_node_and_lease_only(server: ApiServer) -> None:
    client = server.client(N1)
    made = clone(await client.create(NODES, {"metadata": {"name": "n1"}}))
    await client.create(LEASES, {"metadata": {"name": "n1"}}, "kube-node-lease")
    assert (await refused(client.create(LEASES, {"metadata": {"name": "n2"}}, "kube-node-lease"))).code == 403
    error = await refused(client.create(NODES, {"metadata": {"name": "n2"}}))
    assert error.message.endswith('node "n1" is not allowed to modify node "n2"')
    made["metadata"]["labels"] = {"node-restriction.kubernetes.io/x": "y"}
    assert "is not allowed to modify labels" in (await refused(client.update(NODES, made))).message


async def test_a_node_creates_mirror_pods_only(server: ApiServer) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "x"}]}}
    await server.client().create(ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    assert "can only create mirror pods" in (await refused(server.client(N1).create(PODS, pod, "default"))).message


async def test_local_services_are_registered(server: ApiServer) -> None:
    services = GroupVersionResource("apiregistration.k8s.io", "v1", "apiservices")
    found = await server.client().get(services, "v1.apps")
    assert found["spec"]["groupPriorityMinimum"] == 17800
    assert found["status"]["conditions"][0]["reason"] == "Local"


async def test_flow_schemas_name_levels_that_exist(server: ApiServer) -> None:
    flow = "flowcontrol.apiserver.k8s.io"
    schemas = (await server.client().list(GroupVersionResource(flow, "v1", "flowschemas"))).items
    levels = (await server.client().list(GroupVersionResource(flow, "v1", "prioritylevelconfigurations"))).items
    names = {level["metadata"]["name"] for level in levels}
    assert {s["spec"]["priorityLevelConfiguration"]["name"] for s in schemas} == names
    assert all(s["status"]["conditions"][0]["status"] == "False" for s in schemas)


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({}, True),
        ({"expiration": "2001-01-01T00:00:00Z"}, False),
        ({"usage-bootstrap-authentication": "false"}, False),
        ({"auth-extra-groups": "system:masters"}, False),
        ({"token-secret": "fedcba9876543210"}, False),
    ],
)
async def test_bootstrap_tokens(server: ApiServer, change: dict[str, str], known: bool) -> None:
    data = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}
    secret = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token"}
    given = {**data, "auth-extra-groups": "system:bootstrappers:workers", **change}
    await server.client().create(SECRETS, {**secret, "stringData": given}, "kube-system")
    source = BootstrapTokens(server.feed, server.clock)
    user = source.user_of("abcdef.0123456789abcdef")
    assert (user is not None) == known
    if user is not None:
        assert user.name == "system:bootstrap:abcdef"
        assert "system:bootstrappers:workers" in user.groups
    assert source.user_of("abcdeg.0123456789abcdef") is None


async def test_conditions_of_a_certificate_request_say_when_they_came(server: ApiServer) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    made = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256())
    encoded = base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()
    resource = GroupVersionResource("certificates.k8s.io", "v1", "certificatesigningrequests")
    spec = {"request": encoded, "signerName": "example.com/x", "usages": ["client auth"]}
    await server.client().create(resource, {"metadata": {"name": "r"}, "spec": spec})
    approved = {"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "r"}]}}
    answer = await server.client().patch(resource, "r", "", approved, subresource="approval")
    (condition,) = answer["status"]["conditions"]
    assert condition["lastUpdateTime"] == condition["lastTransitionTime"] >= "20"
