"""[sig-cli] and [sig-architecture]: what the real kubectl shows of the cluster, and the cluster's nodes."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from conformance_api import Api, conforms, pod

Obj = dict[str, Any]
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


def _kubectl(config: str, *argv: str, stdin: str = "", code: int = 0) -> str:
    done = subprocess.run(
        ["kubectl", "--kubeconfig", config, "--cache-dir", str(Path(config).parent / "cache"), *argv],
        input=stdin, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout


@needs_kubectl
@conforms("[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions")
def test_api_versions(kubeconfig: str) -> None:
    assert "v1" in _kubectl(kubeconfig, "api-versions").splitlines()


@needs_kubectl
@conforms(
    "[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in"
    " cluster-info"
)
def test_cluster_info(kubeconfig: str) -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", _kubectl(kubeconfig, "cluster-info"))
    assert re.search(r"Kubernetes control plane is running at http", plain)


@needs_kubectl
@conforms("[sig-cli] Kubectl client Kubectl version should check is all data is printed")
def test_version(kubeconfig: str) -> None:
    found = json.loads(_kubectl(kubeconfig, "version", "-o", "json"))
    for side in ("clientVersion", "serverVersion"):
        assert found[side]["gitVersion"].startswith("v1.")
        assert {"major", "minor", "gitCommit", "goVersion", "platform"} <= found[side].keys()
    said = _kubectl(kubeconfig, "version")
    assert "Client Version:" in said
    assert "Server Version:" in said


@needs_kubectl
@conforms("[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments")
def test_diff(api: Api, kubeconfig: str) -> None:
    template = {"metadata": {"labels": {"app": "httpd"}}, "spec": pod("x")["spec"]}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "httpd"}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "httpd"}, "spec": spec}
    _kubectl(kubeconfig, "-n", api.ns, "apply", "-f", "-", stdin=json.dumps(body))
    box = {**pod("x")["spec"]["containers"][0], "image": "busybox:1.36"}
    body["spec"]["template"]["spec"]["containers"] = [box]
    shown = _kubectl(kubeconfig, "-n", api.ns, "diff", "-f", "-", stdin=json.dumps(body), code=1)
    assert re.search(r"^-\s+- image: registry\.k8s\.io/pause", shown, re.MULTILINE)
    assert re.search(r"^\+\s+- image: busybox:1\.36", shown, re.MULTILINE)


@contextmanager
def _proxy(config: str, *argv: str) -> Iterator[str]:
    command = ["kubectl", "--kubeconfig", config, "proxy", *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.terminate()


@needs_kubectl
@conforms("[sig-cli] Kubectl client Proxy server should support proxy with --port 0")
def test_proxy_port(kubeconfig: str) -> None:
    with _proxy(kubeconfig, "-p", "0", "--disable-filter") as said:
        found = re.search(r"(127\.0\.0\.1:\d+)", said)
        assert found, said
        assert httpx.get(f"http://{found[1]}/api/").json()["versions"] == ["v1"]


@needs_kubectl
@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs sockets in files")
@conforms("[sig-cli] Kubectl client Proxy server should support --unix-socket=/path")
def test_proxy_socket(kubeconfig: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with _proxy(kubeconfig, f"--unix-socket={path}") as said:
        assert str(path) in said
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
            assert client.get("http://localhost/api/").json()["versions"] == ["v1"]


@conforms("[sig-architecture] Conformance Tests should have at least two untainted nodes")
def test_two_nodes(api: Api) -> None:
    nodes = [node for node in api.items("/api/v1/nodes") if not node["spec"].get("taints")]
    ready = [
        node for node in nodes
        if any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"]["conditions"])
    ]  # fmt: skip
    assert len(ready) >= 2
