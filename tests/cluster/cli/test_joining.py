"""Several API servers of one cluster, each a process: one store, one set of keys, one leader."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_home import Home

from cluster.cli.asking import Asker
from cluster.cli.places import Place
from cluster.testing.etcd import installed

pytestmark = [
    pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)"),
    pytest.mark.slow,
]
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


@pytest.fixture
def pair(home: Home) -> Iterator[Home]:
    home.run("start", "--storage", "etcd", "--runtime", "simulated")
    home.run("start", "--name", "second", "--join", "pyhelm", "--runtime", "simulated", "--no-context")
    try:
        yield home
    finally:
        home.run("delete", "--name", "second")


def told(home: Home, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(home.run("status", "--name", name, "-o", "json"))
    return found


def asker(about: dict[str, Any]) -> Asker:
    state = Path(about["directory"])
    return Asker(Place("", state, state), int(about["server"].rpartition(":")[2]), 30.0)


def eventually(look: Callable[[], Any], wanted: Any, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while (seen := look()) != wanted:
        assert time.monotonic() < until, f"last seen {seen}, wanted {wanted}"
        time.sleep(0.05)


def endpoints(ask: Asker) -> list[int]:
    found = ask.json("/api/v1/namespaces/default/endpoints/kubernetes")
    return sorted(port["port"] for subset in found["subsets"] for port in subset["ports"])


def deployment(replicas: int) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def test_a_killed_leader_is_followed_and_nothing_is_made_twice(pair: Home) -> None:
    first, second = told(pair, "pyhelm"), told(pair, "second")
    other = asker(second)
    ports = sorted(int(each["server"].rpartition(":")[2]) for each in (first, second))
    assert endpoints(other) == ports
    assert {node["name"] for node in second["nodes"]} == {"pyhelm", "second"}
    asker(first).send("POST", DEPLOYMENTS, deployment(4))
    eventually(lambda: running(other), 4)
    lease = other.json("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager")
    assert lease["spec"]["holderIdentity"].startswith("pyhelm_")
    os.kill(first["pid"], signal.SIGKILL)
    # The other one answers at once, and its controllers act when the dead one's lease has run out.
    other.send("PUT", f"{DEPLOYMENTS}/web", deployment(9))
    killed = time.monotonic()
    eventually(lambda: len(other.json(PODS)["items"]), 9)
    assert time.monotonic() - killed < 30
    eventually(lambda: endpoints(other), [ports[ports.index(int(second["server"].rpartition(":")[2]))]])
    pair.run("start")
    eventually(lambda: endpoints(other), ports)
    eventually(lambda: running(other), 9)
    assert len(other.json(PODS)["items"]) == 9
    # The etcd that the first one had started serves until the last one has gone.
    pair.run("stop")
    assert running(other) >= 0
    assert "second joined cluster pyhelm" in pair.run("delete", code=1)


def running(ask: Asker) -> int:
    return sum(pod["status"].get("phase") == "Running" for pod in ask.json(PODS)["items"])


def test_a_joined_one_leaves_and_takes_its_nodes_along(home: Home) -> None:
    home.run("start", "--storage", "etcd", "--runtime", "simulated")
    home.run("start", "--name", "second", "--join", "pyhelm", "--runtime", "simulated", "--no-context")
    ask = asker(told(home, "pyhelm"))
    home.run("delete", "--name", "second")
    assert [node["metadata"]["name"] for node in ask.json("/api/v1/nodes")["items"]] == ["pyhelm"]
    assert len(endpoints(ask)) == 1


@pytest.mark.parametrize(
    ("first", "words", "says"),
    [
        (("--storage", "etcd"), ("--name", "second", "--join", "nobody"), "there is no such cluster"),
        (("--storage", "sqlite"), ("--name", "second", "--join", "pyhelm"), "belongs to one process"),
    ],
)
def test_what_cannot_be_joined_is_refused(
    home: Home, first: tuple[str, ...], words: tuple[str, ...], says: str
) -> None:
    home.run("start", "--runtime", "simulated", *first)
    assert says in home.run("start", "--runtime", "simulated", *words, code=1)
    assert [each["name"] for each in json.loads(home.run("list", "-o", "json"))] == ["pyhelm"]


def test_no_process_is_left_over(pair: Home) -> None:
    directory = Path(told(pair, "pyhelm")["directory"]) / "etcd"
    pid = int((directory / "pid").read_text())
    for name in ("pyhelm", "second"):
        os.kill(told(pair, name)["pid"], signal.SIGKILL)
    pair.run("delete", "--name", "second")
    pair.run("delete")
    assert not lives(pid)


def lives(pid: int) -> bool:
    """Whether it runs; one that ended and was not asked for its exit code does not."""
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return state[:1] not in ("", "Z")
