"""What goes wrong gives one clear error with the place and what to do, exits non-zero and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from land import ROOT, Land

CHART = ROOT / "charts" / "guestbook"


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    shutil.copytree(CHART, tmp_path / "guestbook")
    return tmp_path / "guestbook"


def refused(cluster: Land, *argv: str) -> str:
    """Run an install that must fail; answer its one error line, having seen that no release appeared."""
    before = cluster.ok("list", "-o", "json")
    done = cluster.pyhelm(*argv)
    assert done.code != 0, done.out
    assert "Traceback" not in done.err
    assert cluster.ok("list", "-o", "json") == before
    lines = [line for line in done.err.splitlines() if line.startswith("Error:")]
    assert len(lines) == 1, done.err
    return done.err


def test_broken_values_file(cluster: Land, tmp_path: Path) -> None:
    values = tmp_path / "broken.yaml"
    values.write_text("web:\n  replicas: 2\n port: 1\n")
    error = refused(cluster, "install", "x", str(CHART), "-f", str(values))
    assert "broken.yaml" in error
    assert "line 2" in error  # where the mapping begins that cannot go on, as libyaml sees it


def test_values_against_the_schema(cluster: Land) -> None:
    error = refused(cluster, "install", "x", str(CHART), "--set", "web.replicas=many")
    assert "web" in error
    assert "replicas" in error


def test_template_error_names_the_place_and_a_near_name(cluster: Land, chart: Path) -> None:
    path = chart / "templates" / "api.yaml"
    path.write_text(path.read_text().replace("Values.api.replicas", "Values.api.replcas"))
    error = refused(cluster, "install", "x", str(chart))
    assert "templates/api.yaml:" in error
    assert "replicas" in error


def test_unknown_kind(cluster: Land, chart: Path) -> None:
    (chart / "templates" / "gadget.yaml").write_text("apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: g}\n")
    error = refused(cluster, "install", "x", str(chart))
    assert "Gadget" in error


def test_wrong_field_names_document_and_path(cluster: Land, chart: Path) -> None:
    path = chart / "templates" / "store.yaml"
    path.write_text(path.read_text().replace("  replicas: 1", "  replicas: one"))
    error = refused(cluster, "install", "x", str(chart))
    assert "templates/store.yaml" in error
    assert "spec.replicas" in error


def test_missing_chart(cluster: Land) -> None:
    assert "nowhere" in refused(cluster, "install", "x", "./nowhere")


def test_missing_environment_lists_the_ones_there_are(cluster: Land) -> None:
    error = refused(cluster, "install", "x", str(CHART), "--env", "moon")
    for name in ("dev", "staging", "prod"):
        assert name in error


def test_second_start_is_no_error(cluster: Land) -> None:
    done = cluster.pyhelm("cluster", "start")
    assert done.code == 0
    assert "already" in done.out + done.err


def test_taken_port(land: Land) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = land.pyhelm("cluster", "start", "--port", str(port))
    assert done.code != 0
    assert str(port) in done.err
    assert "Traceback" not in done.err
    assert not land.kubeconfig.exists() or "current-context: pyhelm" not in land.kubeconfig.read_text()
    assert land.pyhelm("cluster", "status").code != 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_state_directory(land: Land) -> None:
    state = land.home / "state"
    state.mkdir(mode=0o500)
    done = land.pyhelm("cluster", "start", "--state", str(state))
    assert done.code != 0
    assert str(state) in done.err


def test_state_directory_that_is_a_file(land: Land) -> None:
    state = land.home / "state"
    state.write_text("")
    done = land.pyhelm("cluster", "start", "--state", str(state))
    assert done.code != 0
    assert str(state) in done.err
    assert "Traceback" not in done.err
    assert state.read_text() == ""


def test_kubeconfig_of_others_survives_start_and_delete(land: Land) -> None:
    mine = "\n".join(
        [
            "# mine",
            "apiVersion: v1",
            "kind: Config",
            "clusters:",
            "- name: other",
            "  cluster: {server: 'https://127.0.0.1:1'}",
            "contexts:",
            "- name: other",
            "  context: {cluster: other, user: other}",
            "users:",
            "- name: other",
            "  user: {token: abc}",
            "current-context: other",
            "",
        ]
    )
    land.kubeconfig.write_text(mine)
    land.ok("cluster", "start", "--runtime", "simulated")
    text = land.kubeconfig.read_text()
    assert "# mine" in text
    assert "name: other" in text
    assert "current-context: pyhelm" in text
    land.ok("cluster", "delete")
    left = land.kubeconfig.read_text()
    assert "pyhelm" not in left
    assert "current-context: other" in left


def test_broken_kubeconfig_is_not_overwritten(land: Land) -> None:
    land.kubeconfig.write_text("clusters: [\n")
    done = land.pyhelm("cluster", "start")
    assert done.code != 0
    assert str(land.kubeconfig) in done.err
    assert land.kubeconfig.read_text() == "clusters: [\n"


def test_status_is_usable_in_scripts(cluster: Land, land: Land) -> None:
    told = json.loads(cluster.ok("cluster", "status", "-o", "json"))
    assert "process" in json.dumps(told)
    assert land.pyhelm("cluster", "status").code != 0
