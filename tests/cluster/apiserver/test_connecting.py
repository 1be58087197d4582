"""Requests to connect (exec, attach, portforward, proxy) pass admission, as objects of their own kinds."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from apiserver_hooks import GROUP, Hooks
from apiserver_wire import Wire

from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.nodes import ExecOptions
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.meta.types import GroupVersionResource, Obj
from cluster.storage.memory import MemoryStore


class Node:
    """Answers with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def exec(self, pod: Obj, options: ExecOptions, request: Request) -> Response:
        self.asked.append(options)
        return Response(200, b"{}")

    attach = exec

    async def port_forward(self, pod: Obj, ports: tuple[int, ...], request: Request) -> Response:
        self.asked.append(ports)
        return Response(200, b"{}")

    async def proxy_pod(self, pod: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        self.asked.append(path)
        return Response(200, b"{}")

    proxy_service = proxy_node = proxy_pod


class World:
    def __init__(self, server: ApiServer, node: Node) -> None:
        self.server, self.node, self.client = server, node, server.client()
        self.wire = Wire(server)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    store, node = MemoryStore(), Node()
    tokens = {"admin": UserInfo("admin", "", ("system:masters",))}
    server = ApiServer(store, ApiServerOptions(tokens=tokens), nodes=node)  # type: ignore[arg-type]
    await server.start()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    await server.client().create(GroupVersionResource("", "v1", "serviceaccounts"), account, "default")
    pods = GroupVersionResource("", "v1", "pods")
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]},
    }  # fmt: skip
    made = await server.client().create(pods, pod, "default")
    status = {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "phase": "Running"}
    await server.client().update(pods, {**made, "status": status}, subresource="status")
    found = World(server, node)
    yield found
    found.wire.close()
    await server.stop()
    await store.close()


def rule(resource: str) -> dict[str, Any]:
    return {"operations": ["CONNECT"], "apiGroups": [""], "apiVersions": ["v1"], "resources": [resource]}


async def configure(world: World, hooks: Hooks, kind: str, resource: str, **more: Any) -> None:
    body = hooks.configuration(kind, rules=[rule(resource)], **more)
    await world.client.create(GroupVersionResource(GROUP, "v1", f"{kind.lower()}s"), body)


PODS = "/api/v1/namespaces/default/pods"
ASKED = [
    (
        "exec",
        f"{PODS}/p/exec?command=sh&command=-c&container=c&stdin=true&stdout=1&tty=false",
        {"kind": "PodExecOptions", "stdin": True, "stdout": True, "container": "c", "command": ["sh", "-c"]},
        ExecOptions("c", ("sh", "-c"), True, True, False, False),
    ),
    (
        "attach",
        f"{PODS}/p/attach?stderr=true&tty=true",
        {"kind": "PodAttachOptions", "stderr": True, "tty": True},
        ExecOptions("c", (), False, False, True, True),
    ),
    (
        "portforward",
        f"{PODS}/p/portforward?ports=80&ports=81,82",
        {"kind": "PodPortForwardOptions", "ports": [80, 81, 82]},
        (80, 81, 82),
    ),
    ("proxy", f"{PODS}/p/proxy/a%2Fb/c/?x=1", {"kind": "PodProxyOptions", "path": "/a/b/c/"}, "/a%2Fb/c/"),
]


@pytest.mark.parametrize(("subresource", "path", "told", "done"), ASKED)
async def test_a_webhook_sees_what_is_asked_for(
    world: World,
    hooks: Hooks,
    subresource: str,
    path: str,
    told: Obj,
    done: Any,
) -> None:
    await configure(world, hooks, "ValidatingWebhookConfiguration", f"pods/{subresource}")
    assert (await world.wire.call("GET", path)).status == 200
    assert world.node.asked == [done]
    (request,) = hooks.seen
    kind = {"group": "", "version": "v1", "kind": told["kind"]}
    assert (request["kind"], request["requestKind"]) == (kind, kind)
    assert request["resource"] == {"group": "", "version": "v1", "resource": "pods"}
    assert (request["subResource"], request["name"], request["namespace"]) == (subresource, "p", "default")
    assert request["operation"] == "CONNECT"
    assert request["object"] == {**told, "apiVersion": "v1"}
    assert (request["oldObject"], request["options"]) == (None, None)


async def test_a_webhook_refuses_before_anything_is_looked_up(world: World, hooks: Hooks) -> None:
    hooks.answer = lambda request: {"allowed": False, "status": {"message": "no shells", "code": 403}}
    await configure(world, hooks, "ValidatingWebhookConfiguration", "pods/exec")
    for name in ("p", "none"):
        answer = await world.wire.call("GET", f"{PODS}/{name}/exec?command=sh")
        assert (answer.status, answer.json()["message"]) == (
            403,
            'admission webhook "hook.example.com" denied the request: no shells',
        )
    assert world.node.asked == []
    assert (await world.wire.call("GET", f"{PODS}/none/attach")).status == 404


async def test_a_mutating_webhook_changes_what_is_done(world: World, hooks: Hooks) -> None:
    patch = json.dumps([{"op": "replace", "path": "/command", "value": ["true"]}]).encode()
    answer = {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(patch).decode()}
    hooks.answer = lambda request: answer
    await configure(world, hooks, "MutatingWebhookConfiguration", "pods/exec")
    await world.wire.call("POST", f"{PODS}/p/exec?command=sh&stdout=true")
    assert world.node.asked == [ExecOptions("c", ("true",), False, True, False, False)]


async def test_labels_cannot_select_a_connection(world: World, hooks: Hooks) -> None:
    selector = {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}
    await configure(world, hooks, "ValidatingWebhookConfiguration", "pods/*", objectSelector=selector)
    await world.wire.call("GET", f"{PODS}/p/exec?command=sh")
    assert hooks.seen == []


async def test_a_policy_judges_what_is_asked_for(world: World) -> None:
    policy = {
        "apiVersion": f"{GROUP}/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "no-shells"},
        "spec": {
            "matchConstraints": {"resourceRules": [rule("pods/exec")]},
            "validations": [
                {"expression": "!('sh' in object.command) && request.kind.kind == 'PodExecOptions'", "message": "no sh"}
            ],
        },
    }  # fmt: skip
    binding = {
        "apiVersion": f"{GROUP}/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "no-shells"},
        "spec": {"policyName": "no-shells", "validationActions": ["Deny"]},
    }  # fmt: skip
    await world.client.create(GroupVersionResource(GROUP, "v1", "validatingadmissionpolicies"), policy)
    await world.client.create(GroupVersionResource(GROUP, "v1", "validatingadmissionpolicybindings"), binding)
    answer = await world.wire.call("GET", f"{PODS}/p/exec?command=sh")
    assert answer.status == 422
    assert answer.json()["message"] == (
        "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'no-shells' with binding 'no-shells' denied request: no sh"
    )
    assert (await world.wire.call("GET", f"{PODS}/p/exec?command=ls")).status == 200


async def mutated(world: World, mutation: dict[str, Any], path: str) -> Any:
    """The answer to a request under a policy that changes what is asked for."""
    spec = {
        "reinvocationPolicy": "Never", "matchConstraints": {"resourceRules": [rule("pods/*")]}, "mutations": [mutation],
    }  # fmt: skip
    for kind, body in (
        ("MutatingAdmissionPolicy", spec),
        ("MutatingAdmissionPolicyBinding", {"policyName": "change"}),
    ):
        obj = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": "change"}, "spec": body}
        plural = kind.lower().replace("policy", "policies", 1) if kind.endswith("Policy") else f"{kind.lower()}s"
        await world.client.create(GroupVersionResource(GROUP, "v1", plural), obj)
    return await world.wire.call("GET", path)


def json_patch(expression: str) -> dict[str, Any]:
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}


async def test_a_mutating_policy_patches_what_is_asked_for(world: World) -> None:
    patch = json_patch('[JSONPatch{op: "add", path: "/tty", value: true}]')
    assert (await mutated(world, patch, f"{PODS}/p/exec?command=sh")).status == 200
    assert world.node.asked == [ExecOptions("c", ("sh",), False, False, False, True)]


async def test_a_mutating_policy_adds_no_field_that_there_is_not(world: World) -> None:
    patch = json_patch('[JSONPatch{op: "add", path: "/container", value: "c"}]')
    answer = await mutated(world, patch, f"{PODS}/p/portforward?ports=80")
    assert answer.status == 500
    assert answer.json()["message"] == 'Internal error occurred: strict decoding error: unknown field "container"'


async def test_a_mutating_policy_cannot_apply_to_what_has_no_schema(world: World) -> None:
    apply = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": 'Object{container: "c"}'}}
    answer = await mutated(world, apply, f"{PODS}/p/exec?command=sh")
    assert answer.status == 403
    assert answer.json()["message"] == (
        "policy 'change' with binding 'change' denied request: error applying patch: failed to convert patch object to "
        "typed object: no corresponding type for /v1, Kind=PodExecOptions"
    )


async def test_what_a_webhook_makes_of_it_must_fit(world: World, hooks: Hooks) -> None:
    patch = json.dumps([{"op": "add", "path": "/stdin", "value": "yes"}]).encode()
    answer = {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(patch).decode()}
    hooks.answer = lambda request: answer
    await configure(world, hooks, "MutatingWebhookConfiguration", "pods/exec")
    refused = await world.wire.call("GET", f"{PODS}/p/exec?command=sh")
    assert refused.status == 500
    assert refused.json()["message"] == (
        "Internal error occurred: json: cannot unmarshal string into Go struct field PodExecOptions.stdin of type bool"
    )
