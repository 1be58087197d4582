"""A cluster saved while it runs comes back elsewhere: the same objects, and its workloads run again."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from cluster_home import Home
from test_joining import DEPLOYMENTS, asker, deployment, eventually, running, told

from cluster.testing.etcd import installed

needs_etcd = pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)")
AUTHORITY = ("kube-root-ca.crt", "extension-apiserver-authentication")
PATHS = ("/api/v1/configmaps", "/api/v1/secrets", "/api/v1/services", "/apis/apps/v1/replicasets", "/api/v1/pods")


def objects(ask: Any) -> dict[str, Any]:
    """uid to the spec and data of what there is; a new cluster has an authority of its own, and says so."""
    found = [obj for path in PATHS for obj in ask.json(path)["items"] if obj["metadata"]["name"] not in AUTHORITY]
    return {obj["metadata"]["uid"]: (obj["metadata"]["name"], obj.get("spec"), obj.get("data")) for obj in found}


@pytest.mark.slow
@pytest.mark.parametrize("kept_in", ["sqlite", pytest.param("etcd", marks=needs_etcd)])
def test_a_saved_cluster_comes_back_under_another_name(home: Home, kept_in: str) -> None:
    home.run("start", "--runtime", "simulated")
    first = told(home, "pyhelm")
    ask = asker(first)
    ask.send("POST", DEPLOYMENTS, deployment(3))
    eventually(lambda: running(ask), 3)
    file = home.path / "saved"
    assert f"Snapshot saved at {file}" in home.run("snapshot", "save", str(file))
    before = objects(ask)
    revision = ask.json("/api/v1/pods")["metadata"]["resourceVersion"]
    assert re.fullmatch(r"[0-9a-f]{8}, \d+, \d+, \d+ kB\n", home.run("snapshot", "status", str(file)))
    assert "runs; stop it first" in home.run("snapshot", "restore", str(file), code=1)
    home.run("delete")
    home.run("snapshot", "restore", str(file), "--name", "copy", "--storage", kept_in)
    try:
        home.run("start", "--name", "copy", "--runtime", "simulated")
        ask = asker(told(home, "copy"))
        eventually(lambda: running(ask), 3)
        assert objects(ask) == before
        old = ask.text(f"/api/v1/pods?watch=1&resourceVersion={revision}&timeoutSeconds=1")
        assert json.loads(old)["object"]["code"] == 410
        # It is a cluster like any other: what is asked of it is done.
        ask.send("PUT", f"{DEPLOYMENTS}/web", deployment(5))
        eventually(lambda: running(ask), 5)
    finally:
        home.run("delete", "--name", "copy")


def test_a_stopped_cluster_is_saved_and_put_back_into_itself(home: Home) -> None:
    home.run("start", "--runtime", "simulated")
    asker(told(home, "pyhelm")).send("POST", "/api/v1/namespaces", {"metadata": {"name": "kept"}})
    home.run("stop")
    file = home.path / "saved"
    home.run("snapshot", "save", str(file))
    home.run("start")
    asker(told(home, "pyhelm")).send("POST", "/api/v1/namespaces", {"metadata": {"name": "later"}})
    home.run("stop")
    home.run("snapshot", "restore", str(file))
    home.run("start")
    names = {n["metadata"]["name"] for n in asker(told(home, "pyhelm")).json("/api/v1/namespaces")["items"]}
    assert "kept" in names
    assert "later" not in names


def test_a_damaged_file_is_refused_and_nothing_is_made(home: Home) -> None:
    shutil.copy(Path(__file__), home.path / "wrong")
    assert f"{home.path}/wrong is no snapshot" in home.run("snapshot", "restore", f"{home.path}/wrong", code=1)
    assert "cannot read" in home.run("snapshot", "status", f"{home.path}/none", code=1)
    assert "there is no cluster" in home.run("snapshot", "save", f"{home.path}/none", code=1)
    assert json.loads(home.run("list", "-o", "json")) == []
    assert not (home.path / "none").exists()
