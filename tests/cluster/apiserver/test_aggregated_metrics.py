"""A metrics server behind the API server: what `kubectl top` needs of aggregation."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.http.server import HttpServer
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import ANONYMOUS, UserInfo
from cluster.apiserver.server import ApiServer
from cluster.kinds.checks import LOOPBACK
from cluster.meta.types import GroupVersionResource, Obj
from cluster.storage.memory import MemoryStore
from cluster.testing.authority import Authority

GV = "metrics.k8s.io/v1beta1"
PODS = GroupVersionResource("metrics.k8s.io", "v1beta1", "pods")
USAGE = {"cpu": "250m", "memory": "64Mi"}


def _metrics(name: str, **more: Any) -> Obj:
    return {"metadata": {"name": name}, "timestamp": "2026-01-01T00:00:00Z", "window": "30s", **more}


DOCUMENTS: dict[str, Obj] = {
    f"/apis/{GV}": {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": GV,
        "resources": [
            {"name": name, "singularName": "", "namespaced": name == "pods", "kind": kind, "verbs": ["get", "list"]}
            for name, kind in (("nodes", "NodeMetrics"), ("pods", "PodMetrics"))
        ],
    },
    f"/apis/{GV}/nodes": {
        "kind": "NodeMetricsList",
        "apiVersion": GV,
        "metadata": {},
        "items": [_metrics("n", usage=USAGE)],
    },
    f"/apis/{GV}/namespaces/default/pods": {
        "kind": "PodMetricsList",
        "apiVersion": GV,
        "metadata": {},
        "items": [_metrics("p", containers=[{"name": "c", "usage": USAGE}])],
    },
}


async def _answer(request: Request) -> Response:
    found = DOCUMENTS.get(request.path)
    if found is None:
        return Response(404, b"404 page not found\n", "text/plain")
    return Response(200, json.dumps(found).encode())


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    authority, context = Authority("metrics"), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(tmp_path, "metrics-server", "metrics-server.kube-system.svc"))
    behind, store = HttpServer(_answer, tls=context), MemoryStore()
    await behind.start()
    made = ApiServer(store, ApiServerOptions(allowances=frozenset({LOOPBACK})))
    await made.start()
    bundle = base64.b64encode(authority.own(tmp_path).read_bytes()).decode()
    await _register(made, behind.port, bundle)
    yield made
    await made.stop()
    await behind.stop(0.2)
    await store.close()


async def _register(server: ApiServer, port: int, bundle: str) -> None:
    client = server.client()
    spec = {"type": "ExternalName", "externalName": "localhost"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics-server"}, "spec": spec}
    await client.create(GroupVersionResource("", "v1", "services"), service, "kube-system")
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    node["status"] = {"capacity": {"cpu": "1", "memory": "128Mi"}, "allocatable": {"cpu": "1", "memory": "128Mi"}}
    await client.create(GroupVersionResource("", "v1", "nodes"), node)
    reference = {"namespace": "kube-system", "name": "metrics-server", "port": port}
    spec = {
        "group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
        "caBundle": bundle, "service": reference,
    }  # fmt: skip
    body = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
    body |= {"metadata": {"name": "v1beta1.metrics.k8s.io"}, "spec": spec}
    await client.create(GroupVersionResource("apiregistration.k8s.io", "v1", "apiservices"), body)
    async with asyncio.timeout(10):
        while not (found := server.aggregator.registrations.named("v1beta1.metrics.k8s.io")) or not found.available:
            await asyncio.sleep(0.01)


async def test_what_is_measured_is_read_by_clients_in_the_process(server: ApiServer) -> None:
    """As the autoscaler of this cluster does."""
    (found,) = (await server.client().list(PODS, "default")).items
    assert found["containers"][0]["usage"] == USAGE


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
async def test_kubectl_top(server: ApiServer, tmp_path: Path) -> None:
    rbac = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "anyone"},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": ANONYMOUS}],
    }  # fmt: skip
    admin = server.client(UserInfo("admin", "", ("system:masters",)))
    await admin.create(GroupVersionResource(rbac, "v1", "clusterrolebindings"), binding)
    printed = []
    for what in ("nodes", "pods"):
        process = await asyncio.create_subprocess_exec(
            "kubectl", "--server", server.url, "--kubeconfig", "/dev/null", "--cache-dir", str(tmp_path), "top", what,
            "--no-headers", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(30):
            printed.append((await process.communicate())[0].decode().split())
    assert printed == [["n", "250m", "25%", "64Mi", "50%"], ["p", "250m", "64Mi"]]


def test_a_server_without_others_behind_it_loads_nothing_for_them() -> None:
    code = (
        "import asyncio, sys\n"
        "from cluster.apiserver.options import ApiServerOptions\n"
        "from cluster.apiserver.server import ApiServer\n"
        "from cluster.storage.memory import MemoryStore\n"
        "async def main():\n"
        "    server = ApiServer(MemoryStore(), ApiServerOptions(serve=False))\n"
        "    await server.start()\n"
        "    await server.stop()\n"
        "asyncio.run(main())\n"
        "print(*sorted(m for m in sys.modules if m.startswith('cluster.apiserver.aggregation.') or m == 'httpx'))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    room = "cluster.apiserver.aggregation"
    assert found.stdout.split() == [f"{room}.aggregator", f"{room}.registrations", f"{room}.trust"]
