"""Volumes as directories: contents, modes, the atomic exchange, and what is refused."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from cluster.kubelet.environment import Surroundings
from cluster.kubelet.volumes import File, Source, VolumeFault, set_up, sub_path, write_atomically
from cluster.meta.types import Obj

OBJECTS: dict[tuple[str, str], Obj] = {
    ("configmaps", "c"): {"data": {"a": "1", "b": "2"}, "binaryData": {"bin": b64encode(b"\0\1").decode()}},
    ("secrets", "s"): {"data": {"p": b64encode(b"x").decode()}},
    ("persistentvolumeclaims", "loose"): {"spec": {}},
}


def source() -> Source:
    async def fetch(resource: str, name: str) -> Obj | None:
        return OBJECTS.get((resource, name))

    async def token(audience: str, seconds: int) -> str:
        return f"token for {audience or 'all'}"

    pod = {"metadata": {"name": "p", "namespace": "n", "labels": {"a": "1"}}, "spec": {"containers": []}}
    return Source(pod, Surroundings("ip", "host"), fetch, token)


async def contents(volume: dict[str, Any], tmp_path: Path) -> dict[str, bytes]:
    made = await set_up({"name": "v", **volume}, tmp_path, source())
    return {p.name: p.read_bytes() for p in made.iterdir() if not p.name.startswith("..")}


async def test_config_map_secret_downward_and_projected(tmp_path: Path) -> None:
    assert await contents({"configMap": {"name": "c"}}, tmp_path / "1") == {"a": b"1", "b": b"2", "bin": b"\0\1"}
    assert await contents({"secret": {"secretName": "s"}}, tmp_path / "2") == {"p": b"x"}
    item = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    assert await contents({"downwardAPI": {"items": [item]}}, tmp_path / "3") == {"labels": b'a="1"'}
    sources = [
        {"configMap": {"name": "c", "items": [{"key": "a", "path": "first"}]}},
        {"serviceAccountToken": {"path": "token"}},
    ]
    found = await contents({"projected": {"sources": sources}}, tmp_path / "4")
    assert found == {"first": b"1", "token": b"token for all"}


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "no"}}, 'MountVolume.SetUp failed for volume "v" : configmap "no" not found'),
        ({"secret": {"secretName": "no"}}, 'MountVolume.SetUp failed for volume "v" : secret "no" not found'),
        ({"persistentVolumeClaim": {"claimName": "loose"}}, "is not bound"),
        ({"nfs": {"server": "x", "path": "/"}}, "volumes of type nfs are not supported"),
        ({"configMap": {"name": "c", "items": [{"key": "no", "path": "x"}]}}, "references non-existent config key: no"),
    ],
)
async def test_faults_say_what_is_missing(volume: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(VolumeFault) as fault:
        await contents(volume, tmp_path)
    assert message in str(fault.value)


async def test_optional_sources_may_be_missing(tmp_path: Path) -> None:
    assert await contents({"configMap": {"name": "no", "optional": True}}, tmp_path) == {}


def test_the_exchange_is_one_link(tmp_path: Path) -> None:
    assert write_atomically(tmp_path, {"a": File(b"1", 0o640), "old": File(b"x", 0o644)})
    first = (tmp_path / "..data").readlink()
    assert not write_atomically(tmp_path, {"a": File(b"1", 0o640), "old": File(b"x", 0o644)})
    held = (tmp_path / "a").open("rb")
    assert write_atomically(tmp_path, {"a": File(b"2", 0o640), "new": File(b"y", 0o644)})
    assert (tmp_path / "..data").readlink() != first
    assert held.read() == b"1"
    held.close()
    assert {p.name for p in tmp_path.iterdir() if not p.name.startswith("..")} == {"a", "new"}
    assert (tmp_path / "a").read_bytes() == b"2"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert len([p for p in tmp_path.iterdir() if p.name.startswith("..")]) == 2


def test_sub_paths_stay_inside(tmp_path: Path) -> None:
    assert sub_path(tmp_path, "a/b") == tmp_path / "a/b"
    (tmp_path / "out").symlink_to("/")
    for bad in ("../x", "out/etc"):
        with pytest.raises(VolumeFault):
            sub_path(tmp_path, bad)
