"""The user's kubeconfig: what is there stays, what is broken is refused, what was added goes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.cli import kubeconfig
from cluster.cli.kubeconfig import Access
from cluster.cli.places import Refused

MINE = """# mine
apiVersion: v1
kind: Config
x-unknown: {a: 1}
clusters:
- name: other   # the real one
  cluster: {server: 'https://127.0.0.1:1'}
contexts:
- name: other
  context: {cluster: other, user: other, namespace: team}
users:
- name: other
  user: {token: abc}
current-context: other
"""


@pytest.fixture
def access(tmp_path: Path) -> Access:
    for name in ("ca", "crt", "key"):
        (tmp_path / name).write_text(name)
    return Access("https://127.0.0.1:6443", tmp_path / "ca", tmp_path / "crt", tmp_path / "key")


def test_a_new_file_is_private_and_gone_when_emptied(tmp_path: Path, access: Access) -> None:
    path = tmp_path / "deep" / "config"
    assert kubeconfig.add(path, "pyhelm", access) == ""
    assert path.stat().st_mode & 0o777 == 0o600
    assert kubeconfig.points_to(path, "pyhelm", access.server) == "current"
    assert kubeconfig.remove(path, "pyhelm", "")
    assert not path.exists()


def test_others_and_comments_survive(tmp_path: Path, access: Access) -> None:
    path = tmp_path / "config"
    path.write_text(MINE)
    path.chmod(0o640)
    assert kubeconfig.add(path, "pyhelm", access) == "other"
    text = path.read_text()
    for kept in ("# mine", "x-unknown", "# the real one", "namespace: team", "token: abc"):
        assert kept in text
    assert kubeconfig.current(path) == "pyhelm"
    assert path.stat().st_mode & 0o777 == 0o640
    kubeconfig.remove(path, "pyhelm", "other")
    assert "pyhelm" not in path.read_text()
    assert kubeconfig.current(path) == "other"


def test_adding_twice_changes_in_place(tmp_path: Path, access: Access) -> None:
    path = tmp_path / "config"
    kubeconfig.add(path, "pyhelm", access)
    once = path.read_text()
    kubeconfig.add(path, "pyhelm", access)
    assert path.read_text().count("name: pyhelm") == once.count("name: pyhelm")


@pytest.mark.parametrize(
    ("text", "place"),
    [("clusters: [\n", ":2:"), ("- a\n", ":1:"), ("a: 1\nclusters: {}\nusers: x\n", ":2:"), ("a: 1\n b: 2\n", ":2:")],
)
def test_what_is_no_kubeconfig_is_left_alone(tmp_path: Path, access: Access, text: str, place: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(Refused) as refused:
        kubeconfig.add(path, "pyhelm", access)
    assert f"{path}{place}" in str(refused.value)
    assert path.read_text() == text
    assert not (tmp_path / "config.lock").exists()


def test_links_are_followed(tmp_path: Path, access: Access) -> None:
    (tmp_path / "real").write_text(MINE)
    (tmp_path / "config").symlink_to(tmp_path / "real")
    kubeconfig.add(tmp_path / "config", "pyhelm", access)
    assert (tmp_path / "config").is_symlink()
    assert "pyhelm" in (tmp_path / "real").read_text()


def test_the_first_file_of_the_variable_counts(tmp_path: Path) -> None:
    assert kubeconfig.path_of({"KUBECONFIG": f":{tmp_path}/a:{tmp_path}/b"}) == tmp_path / "a"
    assert kubeconfig.path_of({"HOME": str(tmp_path)}) == tmp_path / ".kube" / "config"
