"""pods/proxy and services/proxy over HTTP: what goes on, what comes back, and where the way is closed."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.assembly.cluster import Cluster, ClusterOptions
from cluster.kinds.checks import LOOPBACK
from cluster.machinery import pods as podlib
from cluster.machinery.resources import ENDPOINT_SLICES, PODS, SERVICES
from cluster.meta.types import Obj
from cluster.storage.memory import MemoryStore
from cluster.testing.cluster import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pod addresses need Linux's loopback network")
SERVER = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Mirror(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        seen = {"method": self.command, "path": self.path, "body": body, "headers": {}}
        seen["headers"].update((name.lower(), value) for name, value in self.headers.items())
        data = json.dumps(seen).encode()
        self.send_response(302 if self.path == "/moved" else 418 if self.path == "/tea" else 200)
        if self.path == "/moved":
            self.send_header("Location", "/new")
        self.send_header("Content-Type", "application/x-mirror")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    do_GET = do_POST = do_PUT = do_DELETE = answer
ThreadingHTTPServer((os.environ["IP"], 8080), Mirror).serve_forever()
"""
POD = "/api/v1/namespaces/default/pods/p"
SERVICE = "/api/v1/namespaces/default/services"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    admin = UserInfo("admin", groups=("system:masters",))
    server = ApiServerOptions(tokens={"admin": admin}, allowances=frozenset({LOOPBACK}), service_cidr="127.95.0.0/16")
    options = ClusterOptions(root=tmp_path, pod_network="127.3", node_name="node", server=server, proxy=False)
    cluster = Cluster(MemoryStore(), options)
    await cluster.start()
    try:
        yield cluster
    finally:
        await cluster.stop()


@pytest.fixture
async def http(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer admin"}
    async with httpx.AsyncClient(base_url=cluster.server.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
async def pod(cluster: Cluster, http: httpx.AsyncClient) -> Obj:
    ip = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    main: dict[str, Any] = {"name": "main", "image": "python:3", "env": [ip], "ports": [{"containerPort": 8080}]}
    main["command"] = [sys.executable, "-c", SERVER]
    spec = {"terminationGracePeriodSeconds": 0, "containers": [main]}
    await cluster.client.create(PODS, {"metadata": {"name": "p", "labels": {"app": "p"}}, "spec": spec}, "default")
    found = await eventually(lambda: cluster.client.get(PODS, "p", "default"), podlib.ready)
    await eventually(lambda: http.get(f"{POD}/proxy/"), lambda answer: answer.status_code == 200)
    return found


async def test_requests_reach_the_pod_and_its_answers_come_back(http: httpx.AsyncClient, pod: Obj) -> None:
    answer = await http.post(f"{POD}:8080/proxy/a/b?x=1&y=%20", content=b"data", headers={"X-Mine": "yes"})
    seen = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-mirror"
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/a/b?x=1&y=%20", "data")
    assert seen["headers"]["x-mine"] == "yes"
    assert "authorization" not in seen["headers"]
    assert (await http.get(f"{POD}/proxy/tea")).status_code == 418
    moved = await http.get(f"{POD}/proxy/moved")
    assert moved.headers["location"] == f"{POD}/proxy/new"


async def test_what_is_escaped_stays_escaped(http: httpx.AsyncClient, pod: Obj) -> None:
    answer = await http.get(f"{POD}/proxy/a%2Fb%0d%0aX-Evil:%20yes/c/")
    assert answer.json()["path"].lower() == "/a%2fb%0d%0ax-evil:%20yes/c/"


async def test_a_path_without_its_slash_is_sent_on(http: httpx.AsyncClient, pod: Obj) -> None:
    answer = await http.get(f"{POD}/proxy?a=b")
    assert answer.status_code == 301
    assert answer.headers["location"] == f"{POD}/proxy/?a=b"


async def test_a_pod_that_does_not_listen_is_a_service_unavailable(http: httpx.AsyncClient, pod: Obj) -> None:
    answer = await http.get(f"{POD}:1/proxy/")
    assert answer.status_code == 503
    assert "error trying to reach service: dial tcp" in answer.json()["message"]


async def test_services_lead_to_their_ready_pods(cluster: Cluster, http: httpx.AsyncClient, pod: Obj) -> None:
    spec = {"selector": {"app": "p"}, "ports": [{"name": "web", "port": 80, "targetPort": 8080}]}
    await cluster.client.create(SERVICES, {"metadata": {"name": "s"}, "spec": spec}, "default")
    good = await eventually(lambda: http.get(f"{SERVICE}/s:web/proxy/x"), lambda a: a.status_code == 200)
    assert good.json()["path"] == "/x"
    assert (await http.get(f"{SERVICE}/s:80/proxy/y")).json()["path"] == "/y"
    missing = await http.get(f"{SERVICE}/s:81/proxy/")
    assert (missing.status_code, missing.json()["message"]) == (503, 'no service port 81 found for service "s"')
    unnamed = await http.get(f"{SERVICE}/s/proxy/")
    assert (unnamed.status_code, unnamed.json()["message"]) == (503, 'no endpoints available for service "s"')


async def test_endpoints_written_by_hand_do_not_lead_to_this_machine(
    cluster: Cluster, http: httpx.AsyncClient, pod: Obj
) -> None:
    await cluster.client.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, "default")
    slice_: Obj = {
        "metadata": {"name": "s-1", "labels": {"kubernetes.io/service-name": "s"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"]}],
        "ports": [{"port": 22, "name": ""}],
    }
    await cluster.client.create(ENDPOINT_SLICES, slice_, "default")
    answer = await http.get(f"{SERVICE}/s/proxy/")
    assert (answer.status_code, answer.json()["message"]) == (400, "address not allowed")


async def test_nodes_are_refused_by_name(http: httpx.AsyncClient, cluster: Cluster) -> None:
    answer = await http.get("/api/v1/nodes/node/proxy/metrics")
    assert answer.status_code == 501
    assert "proxying to nodes is not supported" in answer.json()["message"]
