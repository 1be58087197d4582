"""Services that extend the API are found among the objects of the server, and webhooks behind them are reached."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.http.server import HttpServer
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.server import ApiServer
from cluster.apiserver.service_endpoints import SERVICE_NAME, SERVICES, Unresolved, resolve
from cluster.kinds.checks import LOOPBACK
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupResource, GroupVersionResource, Obj
from cluster.storage.memory import MemoryStore
from cluster.testing.authority import Authority

MAPS = GroupVersionResource("", "v1", "configmaps")


class Held:
    """A Service and its slices."""

    def __init__(self, spec: Obj, *slices: Obj) -> None:
        self._service: Obj = {"metadata": {"name": "s", "namespace": "n"}, "spec": spec}
        self._slices = slices

    def get(self, resource: GroupResource, namespace: str, name: str) -> Obj | None:
        return self._service if (resource, namespace, name) == (SERVICES, "n", "s") else None

    def all(self, resource: GroupResource, namespace: str = "") -> Iterable[Obj]:
        return self._slices

    def version(self, resource: GroupResource) -> int:
        return 0


def piece(*endpoints: tuple[str, bool | None], port: int | None = 8443, name: str = "", of: str = "s") -> Obj:
    family = "IPv6" if any(":" in address for address, _ in endpoints) else "IPv4"
    ends = [{"addresses": [a], "conditions": {} if ready is None else {"ready": ready}} for a, ready in endpoints]
    metadata = {"name": "x", "namespace": "n", "labels": {SERVICE_NAME: of}}
    return {"metadata": metadata, "addressType": family, "ports": [{"name": name, "port": port}], "endpoints": ends}


SPEC: Obj = {"type": "ClusterIP", "ports": [{"port": 443, "name": "web"}, {"port": 444}]}


def test_a_ready_endpoint_of_the_port_is_found_by_its_name() -> None:
    held = Held(
        SPEC,
        piece(("10.0.0.1", True)),
        piece(("10.0.0.2", False), ("10.0.0.3", None), name="web", port=9443),
        piece(("10.0.0.4", True), name="web", of="other"),
    )
    assert {resolve(held, "n", "s", 443) for _ in range(20)} == {("10.0.0.3", 9443)}
    assert resolve(held, "n", "s", 444) == ("10.0.0.1", 8443)


def test_the_first_address_family_of_the_service_comes_first() -> None:
    held = Held({**SPEC, "ipFamilies": ["IPv6", "IPv4"]}, piece(("10.0.0.1", True)), piece(("fd00::1", True)))
    assert {resolve(held, "n", "s", 444) for _ in range(20)} == {("fd00::1", 8443)}


def test_every_ready_endpoint_has_its_turn() -> None:
    held = Held(SPEC, piece(("10.0.0.1", True), ("10.0.0.2", True)))
    assert {resolve(held, "n", "s", 444)[0] for _ in range(200)} == {"10.0.0.1", "10.0.0.2"}


def test_an_external_name_leads_to_itself() -> None:
    held = Held({"type": "ExternalName", "externalName": "api.example.com"})
    assert resolve(held, "n", "s", 8443) == ("api.example.com", 8443)


@pytest.mark.parametrize(
    ("held", "name", "port", "why"),
    [
        (Held(SPEC), "t", 443, 'service "t" not found'),
        (Held(SPEC), "s", 80, 'no service port 80 found for service "s"'),
        (Held(SPEC), "s", 443, 'no endpoints available for service "s"'),
        (Held(SPEC, piece(("10.0.0.1", False))), "s", 444, 'no endpoints available for service "s"'),
        (Held(SPEC, piece(("10.0.0.1", True), port=None)), "s", 444, 'no endpoints available for service "s"'),
    ],
)
def test_what_is_missing_is_named(held: Held, name: str, port: int, why: str) -> None:
    with pytest.raises(Unresolved) as caught:
        resolve(held, "n", name, port)
    assert str(caught.value) == why


async def test_a_webhook_behind_a_service_is_asked_over_one_connection(tmp_path: Path) -> None:
    authority = Authority("hooks")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(tmp_path, "hook", "hook.default.svc"))
    asked: list[Request] = []

    async def answer(request: Request) -> Response:
        asked.append(request)
        review = json.loads(request.body)
        response = {"uid": review["request"]["uid"], "allowed": True}
        return Response(200, json.dumps({**review, "response": response}).encode())

    behind = HttpServer(answer, tls=context)
    await behind.start()
    store = MemoryStore()
    server = ApiServer(store, ApiServerOptions(serve=False, allowances=frozenset({LOOPBACK})))
    await server.start()
    client = server.client()
    bundle = base64.b64encode(authority.own(tmp_path).read_bytes()).decode()
    await client.create(*_configuration(bundle))

    async def make(name: str) -> Any:
        return await client.create(
            MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}, "default"
        )

    with pytest.raises(StatusError) as caught:
        await make("early")
    assert caught.value.message == (
        'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: '
        'Post "https://hook.default.svc:8443/ask?timeout=10s": service "hook" not found'
    )
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"}, "spec": {"ports": [{"port": 8443}]}}
    await client.create(GroupVersionResource("", "v1", "services"), service, "default")
    piece_ = {**piece(("127.0.0.1", True), port=behind.port, of="hook"), "apiVersion": "discovery.k8s.io/v1"}
    piece_ |= {"kind": "EndpointSlice", "metadata": {"name": "x", "labels": {SERVICE_NAME: "hook"}}}
    await client.create(GroupVersionResource("discovery.k8s.io", "v1", "endpointslices"), piece_, "default")
    for name in ("a", "b", "c"):
        await make(name)
    assert len(asked) == 3
    assert len(behind.connections) == 1
    assert (asked[0].path, asked[0].query) == ("/ask", "timeout=10s")
    assert asked[0].headers["host"] == "hook.default.svc:8443"
    await server.stop()
    await behind.stop(0.2)
    await store.close()


def _configuration(bundle: str) -> tuple[GroupVersionResource, Obj]:
    group = "admissionregistration.k8s.io"
    rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    service = {"namespace": "default", "name": "hook", "port": 8443, "path": "/ask"}
    hook = {
        "name": "hook.example.com", "clientConfig": {"service": service, "caBundle": bundle}, "rules": [rule],
        "sideEffects": "None", "admissionReviewVersions": ["v1"],
    }  # fmt: skip
    kind = "ValidatingWebhookConfiguration"
    body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "c"}, "webhooks": [hook]}
    return GroupVersionResource(group, "v1", kind.lower() + "s"), body
