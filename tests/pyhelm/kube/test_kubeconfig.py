"""Finding the API server from files, flags and the environment."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pyhelm.errors import KubeError
from pyhelm.kube.credentials import headers
from pyhelm.kube.kubeconfig import Overrides, load_access

ONE = """\
current-context: one
contexts: [{name: one, context: {cluster: c, user: u, namespace: team}}, {name: two, context: {cluster: d, user: v}}]
clusters: [{name: c, cluster: {server: "https://one:6443", certificate-authority: ca.pem, tls-server-name: kube}}]
users: [{name: u, user: {token: secret}}]
"""
TWO = """\
current-context: two
clusters: [{name: c, cluster: {server: "https://other"}}, {name: d, cluster: {server: "https://two"}}]
users: [{name: v, user: {username: a, password: b}}]
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "one").write_text(ONE)
    (tmp_path / "two").write_text(TWO)
    (tmp_path / "ca.pem").write_bytes(b"PEM")
    return {"KUBECONFIG": f"{tmp_path / 'one'}:{tmp_path / 'missing'}:{tmp_path / 'two'}", "HOME": str(tmp_path)}


def test_the_first_file_that_says_something_wins(files: dict[str, str]) -> None:
    access = load_access(Overrides(), files)
    assert access is not None
    assert (access.server, access.namespace, access.ca) == ("https://one:6443", "team", b"PEM")
    assert access.tls_server_name == "kube"
    assert headers(access) == {"Authorization": "Bearer secret"}


def test_a_context_may_use_parts_of_several_files(files: dict[str, str]) -> None:
    access = load_access(Overrides(context="two"), files)
    assert access is not None
    assert (access.server, access.namespace) == ("https://two", "default")
    assert headers(access) == {"Authorization": f"Basic {base64.b64encode(b'a:b').decode()}"}


def test_flags_win(files: dict[str, str]) -> None:
    access = load_access(Overrides(server="http://x", token="t", namespace="n", as_user="eve"), files)
    assert access is not None
    assert (access.server, access.namespace) == ("http://x", "n")
    assert headers(access) == {"Authorization": "Bearer t", "Impersonate-User": "eve"}


def test_nothing_at_all_is_none(tmp_path: Path) -> None:
    assert load_access(Overrides(), {"HOME": str(tmp_path)}) is None


def test_a_context_that_is_not_there_is_named(files: dict[str, str]) -> None:
    with pytest.raises(KubeError, match='context "nope" does not exist'):
        load_access(Overrides(context="nope"), files)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("a: [")
    with pytest.raises(KubeError, match="bad is no valid YAML"):
        load_access(Overrides(kubeconfig=str(tmp_path / "bad")), {})
