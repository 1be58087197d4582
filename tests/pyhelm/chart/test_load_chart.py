"""Reading charts: folders, archives, what is refused and in which words."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from pyhelm.chart.archive import read_archive
from pyhelm.chart.ignore import Rules, glob
from pyhelm.chart.load import from_files, load_chart, read_folder
from pyhelm.chart.metadata import read_metadata
from pyhelm.chart.model import ChartFile
from pyhelm.errors import ChartError

CHART = "apiVersion: v2\nname: gold\nversion: 1.2.3\n"
GOLDENS = Path(__file__).resolve().parents[4] / "shared" / "goldens" / "helm" / "manifests.jsonl"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def tgz(members: dict[str, bytes], **more: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for info in more.values():
            tar.addfile(info)
    return buffer.getvalue()


def test_folder_is_sorted_into_rooms(tmp_path: Path) -> None:
    files = {
        "Chart.yaml": CHART,
        "values.yaml": "a: 1\n",
        "templates/a.yaml": "x",
        "README.md": "r",
        "charts/sub/Chart.yaml": CHART.replace("gold", "sub"),
        "charts/_skipped/Chart.yaml": "nonsense",
        "charts/sub/values.yaml": "b: 2\n",
    }
    chart = load_chart(str(write(tmp_path, files)))
    assert (chart.name, chart.values) == ("gold", {"a": 1.0})
    assert [f.name for f in chart.templates] == ["templates/a.yaml"]
    assert [f.name for f in chart.files] == ["README.md"]
    assert [(c.name, c.values, c.full_path) for c in chart.dependencies] == [("sub", {"b": 2.0}, "gold/charts/sub")]


def test_string_fields_keep_how_numbers_were_written() -> None:
    found = read_metadata(b"name: x\nversion: 1\nappVersion: 20240101\nkubeVersion: 1.10\ndeprecated: true\n")
    assert found == {"name": "x", "version": "1", "appVersion": "20240101", "kubeVersion": "1.1", "deprecated": True}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gold/../../evil", "parent directory"),
        ("gold//etc/passwd", "absolute paths"),
        ("gold/c:/x", "illegally named"),
        ("Chart.yaml", "not in base directory"),
        ("gold/.", "outside the base directory"),
    ],
)
def test_archive_that_leaves_its_folder_is_refused(name: str, why: str) -> None:
    with pytest.raises(ChartError, match=why):
        read_archive(tgz({name: b"x"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes) -> None:
    info = tarfile.TarInfo("gold/link")
    info.type = kind
    info.linkname = "/etc/passwd"
    with pytest.raises(ChartError, match="no regular file"):
        read_archive(tgz({"gold/Chart.yaml": CHART.encode()}, link=info))


def test_bomb_is_refused_without_unpacking_it() -> None:
    bomb = gzip.compress(b"\0" * (101 * 1024 * 1024), compresslevel=1)
    with pytest.raises(ChartError, match="larger than the maximum size"):
        read_archive(bomb)


def test_large_file_is_refused() -> None:
    with pytest.raises(ChartError, match="maximum file size"):
        read_archive(tgz({"gold/big": b"\0" * (5 * 1024 * 1024 + 1)}))


@pytest.mark.parametrize(
    "data", [b"", b"\x1f\x8b", b"\x1f\x8bgarbage", gzip.compress(b"no tar", mtime=0), gzip.compress(b"", mtime=0)]
)
def test_broken_archive_is_a_chart_error(data: bytes) -> None:
    with pytest.raises(ChartError):
        read_archive(data)


def test_link_to_a_folder_above_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"Chart.yaml": CHART})
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(ChartError, match="link"):
        load_chart(str(tmp_path))


def test_subchart_without_chart_yaml_is_named() -> None:
    files = [ChartFile("Chart.yaml", CHART.encode()), ChartFile("charts/odd/x.yaml", b"")]
    with pytest.raises(ChartError, match=r"error unpacking subchart odd in gold: Chart.yaml file is missing"):
        from_files(files)


@pytest.mark.parametrize("pattern", ["[", "[a", "a\\", "[a-", "[-a]"])
def test_broken_glob_is_refused(pattern: str) -> None:
    with pytest.raises(ChartError, match="syntax error in pattern"):
        glob(pattern)


def test_negation_ignores_what_does_not_match() -> None:
    rules = Rules.parse("!keep.txt")
    assert rules.ignore("other.txt", False)
    assert not rules.ignore("keep.txt", False)


@pytest.mark.skipif(not GOLDENS.exists(), reason="the recorded answers of Helm are not here")
def test_helmignore_leaves_the_files_that_helm_leaves(tmp_path: Path) -> None:
    seen = 0
    for line in GOLDENS.read_text().splitlines():
        case = json.loads(line)
        if case["group"] != "helmignore" or not case.get("tar_members") or "subchart" in case["id"]:
            continue
        root = write(tmp_path / str(seen), case["chart_files"])
        seen += 1
        members = {m.removeprefix("gold/") for m in case["tar_members"]["gold-1.2.3.tgz"]}
        assert {f.name for f in read_folder(str(root / "gold"))} == members, case["id"]
    assert seen > 40
