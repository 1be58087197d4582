"""Repositories on disk: adding, searching, resolving, indexing."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from pyhelm.errors import RepoError
from pyhelm.repo.config import Repository, RepositoryFile, read_repositories
from pyhelm.repo.fetch import fetch
from pyhelm.repo.index import Index, index_folder, load_index
from pyhelm.repo.locate import ChartRequest, Places, decode_digest, download_to_cache, resolve
from pyhelm.repo.oci import parse_reference
from pyhelm.repo.repository import as_url, cached_index, download_index, index_url, resolve_reference
from pyhelm.repo.search import constrained, search


def entry(name: str, version: str, **more: object) -> dict[str, object]:
    return {"apiVersion": "v2", "name": name, "version": version, "urls": [f"{name}-{version}.tgz"], **more}


def package(folder: Path, name: str, version: str) -> Path:
    path = folder / f"{name}-{version}.tgz"
    data = f"apiVersion: v2\nname: {name}\nversion: {version}\ndescription: a {name}\n".encode()
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo(f"{name}/Chart.yaml")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(
        config=tmp_path / "repositories.yaml",
        cache=tmp_path / "cache",
        content=tmp_path / "content",
        registry=tmp_path / "registry.json",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository in a folder with two versions of `web`."""
    top = tmp_path / "charts"
    top.mkdir()
    for version in ("1.0.0", "1.2.0", "2.0.0-rc.1"):
        package(top, "web", version)
    from pyhelm.release.wire import yaml_text

    (top / "index.yaml").write_text(yaml_text(index_folder(top).data()))
    return top


def test_a_folder_is_a_repository(folder: Path, places: Places) -> None:
    repository = Repository(name="disk", url=as_url(str(folder)))
    download_index(repository, places.cache)
    file = RepositoryFile([repository])
    file.write(places.config)
    assert read_repositories(places.config).repositories == [repository]
    assert places.config.stat().st_mode & 0o777 == 0o600
    logged: list[object] = []
    path = download_to_cache("disk/web", ChartRequest(version="^1"), places, lambda *words: logged.append(words))
    assert Path(path).read_bytes() == (folder / "web-1.2.0.tgz").read_bytes()
    assert len(logged) == 1
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert Path(path) == places.content / digest[:2] / f"{digest}.chart"


def test_pre_releases_are_only_taken_when_asked_for(folder: Path, places: Places) -> None:
    index = download_index(Repository(name="d", url=as_url(str(folder))), places.cache)
    assert index.get("web")["version"] == "1.2.0"
    assert index.get("web", ">0.0.0-0")["version"] == "2.0.0-rc.1"
    assert index.get("web", "1.0.0")["version"] == "1.0.0"
    assert [e["version"] for e in cached_index(Repository(name="d", url=""), places.cache).entries["web"]] == [
        "2.0.0-rc.1",
        "1.2.0",
        "1.0.0",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "empty index.yaml file"),
        (b"entries: {}\n", "no API version specified"),
        (b"[]\n", "cannot unmarshal array into Go value of type repo.IndexFile"),
    ],
)
def test_bad_indexes_are_refused(text: bytes, said: str) -> None:
    with pytest.raises(RepoError, match=said):
        load_index(text)


def test_invalid_entries_are_left_out_with_a_warning() -> None:
    warned: list[str] = []
    text = b"apiVersion: v1\nentries:\n  a:\n  - {name: a, version: x!}\n  - {name: a, version: 1.0.0}\n  - null\n"
    index = load_index(text, "src", lambda message, _: warned.append(message))
    assert [e["version"] for e in index.entries["a"]] == ["1.0.0"]
    assert len(warned) == 2


def test_a_merge_keeps_what_is_only_in_the_old_index() -> None:
    new = Index({"a": [entry("a", "2.0.0", digest="new")]})
    new.merge(Index({"a": [entry("a", "2.0.0", digest="old"), entry("a", "1.0.0")], "b": [entry("b", "1.0.0")]}))
    assert [(e["version"], e.get("digest")) for e in new.entries["a"]] == [("2.0.0", "new"), ("1.0.0", None)]
    assert "b" in new.entries


def test_names_rank_before_descriptions() -> None:
    index = Index(
        {
            "db": [entry("db", "1.0.0", description="for web apps")],
            "web": [entry("web", "2.0.0"), entry("web", "1.0.0")],
        }
    )
    found = search([("r", index)], "WEB", every_version=True)
    assert [(r.name, r.entry["version"]) for r in found] == [("r/web", "2.0.0"), ("r/web", "1.0.0"), ("r/db", "1.0.0")]
    assert [r.entry["version"] for r in constrained(found, "<2", every_version=False)] == ["1.0.0", "1.0.0"]
    with pytest.raises(RepoError, match="improper constraint"):
        constrained(found, "bad!", every_version=False)


def test_relative_urls_are_resolved_against_the_repository() -> None:
    assert resolve_reference("http://h/r?token=1", "a.tgz") == "http://h/r/a.tgz?token=1"
    assert resolve_reference("http://h/r", "http://other/a.tgz") == "http://other/a.tgz"
    assert index_url("http://h/r/") == "http://h/r/index.yaml"


def test_what_cannot_be_found_says_so(places: Places) -> None:
    with pytest.raises(RepoError, match="non-absolute URLs should be in form of repo_name/path_to_chart, got: web"):
        resolve("web", ChartRequest(), places)
    with pytest.raises(RepoError, match="repo nope not found"):
        resolve("nope/web", ChartRequest(), places)
    with pytest.raises(RepoError, match="could not find protocol handler for: ftp"):
        fetch("ftp://x/y")


def test_digests_are_read_as_go_reads_them() -> None:
    assert decode_digest("sha256:00ff") == b"\x00\xff"
    with pytest.raises(RepoError, match="odd length hex string"):
        decode_digest("123")
    with pytest.raises(RepoError, match=r"invalid byte: U\+006E 'n'"):
        decode_digest("no")


def test_oci_references_are_taken_apart() -> None:
    found = parse_reference("oci://localhost:5000/a/b:1.0.0+x")
    assert (found.host, found.name, found.tag) == ("localhost:5000", "a/b", "1.0.0_x")
    with pytest.raises(RepoError, match="invalid reference"):
        parse_reference("oci://nohost")
