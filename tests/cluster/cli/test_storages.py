"""Where a cluster keeps its state: chosen at its first start, kept, refused with a reason when it cannot be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cluster_home import Home

from cluster.cli.private_etcd import PrivateEtcd
from cluster.testing.etcd import installed

needs_etcd = pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)")
MAPS = "configmaps"


def kubectl(home: Home, *words: str, name: str = "pyhelm") -> str:
    """The cluster's own kubeconfig, through whatever kubectl there is."""
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("no kubectl on this machine")
    env = {**home.env, "KUBECONFIG": str(home.path / "one.kubeconfig")}
    (home.path / "one.kubeconfig").write_text(home.run("kubeconfig", "--name", name))
    done = subprocess.run([found, *words], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def directory(home: Home) -> Path:
    return Path(str(json.loads(home.run("list", "-o", "json"))[0]["directory"]))


@needs_etcd
def test_an_etcd_of_its_own_lives_and_goes_with_the_cluster(home: Home) -> None:
    home.run("start", "--storage", "etcd", "--runtime", "simulated")
    assert home.status()["storage"] == "etcd of its own"
    etcd = PrivateEtcd(directory(home) / "etcd")
    assert etcd.directory.stat().st_mode & 0o777 == 0o700
    kubectl(home, "create", MAPS[:-1], "kept")
    home.run("stop")
    assert not etcd.alive()
    home.run("start")
    assert "kept" in kubectl(home, "get", MAPS)
    home.run("delete")
    assert not etcd.directory.exists()


@needs_etcd
def test_an_etcd_that_outlived_its_killed_server_is_used_again_and_ends_with_stop(home: Home) -> None:
    home.run("start", "--storage", "etcd", "--runtime", "simulated")
    etcd = PrivateEtcd(directory(home) / "etcd")
    before = (etcd.directory / "pid").read_text()
    for again in (True, False):
        os.kill(int(str(home.status()["pid"])), signal.SIGKILL)
        while home.status(code=home_code(home))["state"] == "Running":
            time.sleep(0.02)
        assert etcd.alive()
        if again:
            home.run("start")
            assert (etcd.directory / "pid").read_text() == before
    home.run("stop")
    assert not etcd.alive()


def home_code(home: Home) -> int:
    """The exit code that status has now."""
    return 0 if json.loads(home.run("list", "-o", "json"))[0]["state"] == "Running" else 3


@needs_etcd
def test_an_etcd_that_dies_is_started_again(home: Home) -> None:
    home.run("start", "--storage", "etcd", "--runtime", "simulated")
    kubectl(home, "create", MAPS[:-1], "kept")
    os.kill(int((directory(home) / "etcd" / "pid").read_text()), signal.SIGKILL)
    until = time.monotonic() + 30
    while "configmap/more" not in try_to_create(home):
        assert time.monotonic() < until
    assert "kept" in kubectl(home, "get", MAPS)


def try_to_create(home: Home) -> str:
    try:
        return kubectl(home, "create", MAPS[:-1], "more")
    except AssertionError as error:
        return "configmap/more" if "already exists" in str(error) else ""


def test_memory_forgets_what_a_stop_ends(home: Home) -> None:
    home.run("start", "--storage", "memory", "--runtime", "simulated")
    kubectl(home, "create", MAPS[:-1], "gone")
    assert list(directory(home).glob("*.db*")) == []
    home.run("stop")
    home.run("start")
    assert "gone" not in kubectl(home, "get", MAPS)
    assert home.status()["storage"] == "memory (lost when the cluster stops)"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--storage", "memory", "--etcd-servers", "http://127.0.0.1:2379"), "goes with --storage etcd"),
        (("--etcd-servers", "127.0.0.1:2379"), "give it as http://HOST:PORT"),
        (("--etcd-servers", "http://127.0.0.1:1"), "127.0.0.1:1"),
        (("--extra-config", "apiserver.etcd-cafile=/nowhere"), "cannot read /nowhere"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(home: Home, words: tuple[str, ...], says: str) -> None:
    told = home.run("start", "--runtime", "simulated", *words, code=1)
    assert says in told
    assert told.startswith("Error: ")
    assert json.loads(home.run("list", "-o", "json")) == []


def test_without_the_program_its_package_is_named(home: Home) -> None:
    home.env["PATH"] = str(home.path)
    told = home.run("start", "--storage", "etcd", "--runtime", "simulated", code=1)
    assert "apt-get install etcd-server" in told


def test_a_cluster_keeps_the_storage_it_began_with(home: Home) -> None:
    home.run("start", "--runtime", "simulated")
    home.run("stop")
    assert "keeps its state in sqlite" in home.run("start", "--storage", "memory", code=1)
