"""One bundled cluster for the end-to-end tests, in its own process, with its own state and kubeconfig."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

import pytest
from land import Land, new_land


@pytest.fixture
def land() -> Iterator[Land]:
    """An empty home; whatever cluster was started in it is deleted at the end."""
    made = new_land()
    try:
        yield made
    finally:
        made.pyhelm("cluster", "delete", timeout=60)
        shutil.rmtree(made.home, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Land]:
    """A running bundled cluster with the process runtime."""
    made = new_land()
    try:
        made.ok("cluster", "start", "--runtime", "process")
        yield made
    finally:
        made.pyhelm("cluster", "delete", timeout=60)
        shutil.rmtree(made.home, ignore_errors=True)


@pytest.fixture(scope="session")
def kubectl(cluster: Land) -> Land:
    """The cluster, where kubectl is on this machine."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl on this machine")
    return cluster


ECHO = """
import os, socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(b"you said " + line)
server = socketserver.ThreadingTCPServer((os.environ["IP"], 7070), Echo)
print("listening", flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="session")
def echo_pod(cluster: Land) -> str:
    """The name of a pod in `default` that says "listening" and then echoes lines on port 7070."""
    kubernetes = pytest.importorskip("kubernetes")
    address = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    main = {"name": "main", "image": "python", "command": [sys.executable, "-c", ECHO], "env": [address]}
    main["readinessProbe"] = {"tcpSocket": {"port": 7070}, "periodSeconds": 1}
    body = {"metadata": {"name": "echo", "labels": {"app": "echo"}}, "spec": {"containers": [main]}}
    with kubernetes.config.new_client_from_config(str(cluster.kubeconfig)) as client:
        core = kubernetes.client.CoreV1Api(client)
        core.create_namespaced_pod("default", body)
        for event in kubernetes.watch.Watch().stream(
            core.list_namespaced_pod, "default", label_selector="app=echo", timeout_seconds=40
        ):
            conditions = {c.type: c.status for c in event["object"].status.conditions or ()}
            if conditions.get("Ready") == "True":
                return "echo"
    raise AssertionError("the echo pod never became ready")
