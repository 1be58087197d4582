"""start, status, stop, delete as commands, each cluster in a home of its own."""

from __future__ import annotations

import json
import os
import signal
import ssl
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from cluster_home import Home


def test_start_status_stop_delete(home: Home) -> None:
    assert home.status(4)["state"] == "Absent"
    assert "runs at https://127.0.0.1:" in home.run("start", "--runtime", "simulated")
    told = home.status()
    assert told["state"] == "Running"
    assert told["runtime"] == {"name": "simulated", "why": "asked for; nothing is run"}
    assert told["kubeconfig"]["context"] == "current"  # type: ignore[index]
    assert "already running" in home.run("start")
    assert "is stopped" in home.run("stop")
    assert home.status(3)["state"] == "Stopped"
    assert not (home.path / "kubeconfig").exists()
    assert "was not running" in home.run("stop")
    home.run("start")
    assert home.status()["runtime"]["name"] == "simulated"  # type: ignore[index]
    assert "is deleted" in home.run("delete")
    assert home.status(4)["state"] == "Absent"
    assert [p for p in home.path.rglob("*") if p.is_file()] == []


def test_keys_are_private(home: Home) -> None:
    home.run("start", "--runtime", "simulated")
    directory = Path(str(home.status()["directory"]))
    assert directory.stat().st_mode & 0o777 == 0o700
    for path in [*(directory / "pki").iterdir(), directory / "kubeconfig", home.path / "kubeconfig"]:
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_two_clusters_side_by_side_in_their_own_places(home: Home) -> None:
    home.run("start", "--runtime", "simulated")
    home.run(
        "start", "--name", "two", "--runtime", "simulated", "--state", str(home.path / "elsewhere"), "--nodes", "3"
    )
    try:
        told = json.loads(home.run("status", "--name", "two", "-o", "json"))
        assert told["directory"] == str(home.path / "elsewhere")
        assert len(told["nodes"]) == 3
        assert [c["name"] for c in json.loads(home.run("list", "-o", "json"))] == ["pyhelm", "two"]
    finally:
        home.run("delete", "--name", "two")
    assert not (home.path / "elsewhere").exists()
    assert home.status()["state"] == "Running"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's state")
def test_a_killed_cluster_is_stopped_not_running_and_starts_again(home: Home) -> None:
    home.run("start", "--runtime", "simulated")
    first = home.status()
    os.kill(int(str(first["pid"])), signal.SIGKILL)
    until = time.monotonic() + 10
    while home.run("list", "-o", "json").find('"Running"') >= 0:
        assert time.monotonic() < until
    assert home.status(3)["state"] == "Stopped"
    home.run("start")
    second = home.status()
    assert second["pid"] != first["pid"]
    assert second["server"] == first["server"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("start", "--name", "a/b"), "cannot be a cluster's name"),
        (("start", "--nodes", "2"), "--runtime simulated"),
        (("stop",), "there is no cluster pyhelm"),
        (("logs",), "there is no cluster pyhelm"),
        (("kubeconfig",), "start it first"),
    ],
)
def test_refusals_are_one_line(home: Home, words: tuple[str, ...], says: str) -> None:
    told = home.run(*words, code=1)
    assert says in told
    assert told.startswith("Error: ")
    assert told.count("\n") == 1


def test_settings_of_the_api_server_outlive_a_stop(home: Home) -> None:
    (home.path / "tokens.csv").write_text("let-me-in,bob,1,system:masters\n")
    setting = f"apiserver.token-auth-file={home.path}/tokens.csv"
    home.run("start", "--runtime", "simulated", "--extra-config", setting)
    home.run("stop")
    home.run("start")
    told = home.status()
    assert told["extraConfig"] == {"apiserver": {"token-auth-file": f"{home.path}/tokens.csv"}}
    context = ssl.create_default_context(cafile=str(Path(str(told["directory"])) / "pki" / "ca.crt"))
    request = Request(f"{told['server']}/api/v1/nodes", headers={"Authorization": "Bearer let-me-in"})
    with urlopen(request, context=context) as answer:
        assert json.load(answer)["kind"] == "NodeList"
