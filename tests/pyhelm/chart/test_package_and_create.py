"""Packages keep Helm's order and shape; a new chart lints, packages and renders in both template languages."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from pyhelm.actions.lint import LintOptions, lint
from pyhelm.chart.create import create_chart
from pyhelm.chart.lint import Severity
from pyhelm.chart.load import from_files, load_chart
from pyhelm.chart.model import ChartFile
from pyhelm.chart.package import chart_yaml, package_bytes, package_chart
from pyhelm.engine.capabilities import capabilities
from pyhelm.errors import ChartError

FILES = {
    "Chart.yaml": b"apiVersion: v2\nname: top\nversion: 1.2.3\nappVersion: 7\n",
    "values.yaml": b"# kept\na: 1\n",
    "values.schema.json": b"{}",
    "README.md": b"r",
    "templates/a.yaml": b"a: 1",
    "charts/sub/Chart.yaml": b"apiVersion: v2\nname: sub\nversion: 0.1.0\n",
    "charts/sub/templates/s.yaml": b"s: 1",
}


def _members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_a_package_holds_the_files_in_helms_order() -> None:
    chart = from_files([ChartFile(name, data, 86_400.0) for name, data in FILES.items()])
    members = _members(package_bytes(chart))
    assert list(members) == [
        "top/Chart.yaml",
        "top/values.yaml",
        "top/values.schema.json",
        "top/templates/a.yaml",
        "top/README.md",
        "top/charts/sub/Chart.yaml",
        "top/charts/sub/templates/s.yaml",
    ]
    assert members["top/Chart.yaml"] == b'apiVersion: v2\nappVersion: "7"\nname: top\nversion: 1.2.3\n'
    assert members["top/values.yaml"] == FILES["values.yaml"]


def test_packaging_twice_gives_the_same_bytes() -> None:
    chart = from_files([ChartFile(name, data, 86_400.0) for name, data in FILES.items()])
    assert package_bytes(chart) == package_bytes(chart)


def test_a_package_is_loaded_again(tmp_path: Path) -> None:
    chart = from_files([ChartFile(name, data) for name, data in FILES.items()])
    path = package_chart(chart, str(tmp_path), version="2.0.0", app_version="8")
    again = load_chart(path)
    assert (again.name, again.version, again.metadata["appVersion"]) == ("top", "2.0.0", "8")
    assert [child.name for child in again.dependencies] == ["sub"]


def test_a_version_that_is_none_is_refused(tmp_path: Path) -> None:
    chart = from_files([ChartFile(name, data) for name, data in FILES.items()])
    with pytest.raises(ChartError, match="invalid semantic version"):
        package_chart(chart, str(tmp_path), version="bad")
    assert list(tmp_path.iterdir()) == []


def test_dependencies_of_a_v1_chart_stay_out_of_chart_yaml() -> None:
    metadata = {"apiVersion": "v1", "name": "x", "version": "1.0.0", "dependencies": [{"name": "y"}]}
    assert b"dependencies" not in chart_yaml(metadata)


@pytest.mark.parametrize("engine", ["jinja2", "gotpl"])
def test_a_new_chart_lints_and_packages(engine: str, tmp_path: Path) -> None:
    folder = create_chart("fresh", str(tmp_path), engine=engine)
    result = lint(folder, {}, LintOptions(capabilities=capabilities(), strict=True))
    assert [str(message) for message in result.messages] == ["[INFO] Chart.yaml: icon is recommended"]
    assert result.messages[0].severity is Severity.INFO
    assert not result.errors
    assert load_chart(package_chart(load_chart(folder), str(tmp_path))).engine == engine


def test_a_starter_is_copied_under_the_new_name(tmp_path: Path) -> None:
    starter = tmp_path / "starter"
    (starter / "templates").mkdir(parents=True)
    (starter / "Chart.yaml").write_text("apiVersion: v2\nname: starter\nversion: 9.9.9\n")
    (starter / "templates" / "a.yaml").write_text("name: <CHARTNAME>\n")
    folder = create_chart("mine", str(tmp_path), starter=str(starter))
    assert load_chart(folder).name == "mine"
    assert Path(folder, "templates", "a.yaml").read_text() == "name: mine\n"


@pytest.mark.parametrize(
    ("name", "fault"), [("a b", "must match the regular expression"), ("x" * 251, "between 1 and")]
)
def test_a_bad_name_is_refused(name: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(ChartError, match=fault):
        create_chart(name, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
