"""repo-index/ holds what charts/ says: `make repo-index` was run after the last change of a chart."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
import yaml

from pyhelm.chart.load import load_chart
from pyhelm.chart.package import package_chart

ROOT = Path(__file__).resolve().parents[2]
INDEX = ROOT / "repo-index"
CHARTS = sorted(path.parent.name for path in ROOT.glob("charts/*/Chart.yaml"))


def members(archive: bytes) -> dict[str, bytes]:
    """The files of a .tgz, those of nested archives included, without times."""
    out: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            stream = tar.extractfile(member)
            data = stream.read() if stream else b""
            if member.name.endswith(".tgz"):
                out.update({f"{member.name}/{name}": inner for name, inner in members(data).items()})
            else:
                out[member.name] = data
    return out


@pytest.mark.parametrize("name", CHARTS)
def test_package_is_the_chart_as_it_is_now(name: str, tmp_path: Path) -> None:
    chart = load_chart(str(ROOT / "charts" / name))
    made = Path(package_chart(chart, str(tmp_path)))
    kept = INDEX / f"{name}-{chart.version}.tgz"
    assert kept.exists(), "run `make repo-index`"
    assert members(kept.read_bytes()) == members(made.read_bytes()), "run `make repo-index`"


def test_index_names_every_package_with_its_digest() -> None:
    index = yaml.safe_load((INDEX / "index.yaml").read_text())
    listed = {entry["urls"][0]: entry["digest"] for entries in index["entries"].values() for entry in entries}
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in INDEX.glob("*.tgz")}
    assert listed == there


def test_hello_carries_the_library_as_it_is_now() -> None:
    [vendored] = (ROOT / "charts" / "hello" / "charts").glob("common-*.tgz")
    library = load_chart(str(ROOT / "charts" / "common"))
    inside = {name.partition("/")[2]: data for name, data in members(vendored.read_bytes()).items()}
    for file in library.templates:
        assert inside[file.name] == file.data, "run `pyhelm dependency update charts/hello`"
