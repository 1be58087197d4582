"""A chart rendered before renders the same from what is remembered, and a fault stays a fault."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pyhelm.cli.main import main

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\nappVersion: 1.10\n",
    "values.yaml": "size: 1\nextra: {a: 1.5, b: [null, true, text]}\n",
    # The quick check leaves if/then to the validator.
    "values.schema.json": '{"if": {"required": ["size"]}, "then": {"properties": {"size": {"maximum": 5}}}}',
    "templates/a.yaml": (
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n"
        'data: {{ fromYaml "x: [1, two]" | toJson }}\nsize: {{ .Values.size }}\nextra: {{ toJson .Values.extra }}\n'
        "---\nkind: Job\napiVersion: batch/v1\nmetadata: {name: h, annotations: {helm.sh/hook: test}}\n"
    ),
}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "chart"
    for name, text in CHART.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def template(chart: Path, *words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    environ = {"HOME": str(chart.parent), "HELM_CACHE_HOME": str(chart.parent / "cache")}
    code = main(["template", "rel", str(chart), *words], stdout=out, stderr=err, environ=environ)
    return code, out.getvalue(), err.getvalue()


def test_the_second_rendering_is_the_first(chart: Path) -> None:
    first = template(chart)
    assert first[0] == 0
    assert '{"x":[1,"two"]}' in first[1]
    assert list((chart.parent / "cache" / "pyhelm" / "parsed").iterdir())
    assert template(chart) == first


def test_values_that_break_the_schema_are_refused_every_time(chart: Path) -> None:
    assert template(chart)[0] == 0
    bad = template(chart, "--set", "size=9")
    assert bad[0] == 1
    assert "size" in bad[2]
    assert template(chart, "--set", "size=9") == bad
    assert template(chart, "--set", "size=4")[0] == 0
    assert template(chart)[0] == 0


def test_a_changed_chart_is_read_anew(chart: Path) -> None:
    template(chart)
    (chart / "values.yaml").write_text("size: 2\nextra: {}\n")
    assert "size: 2\n" in template(chart)[1]


def test_broken_output_is_refused_every_time(chart: Path) -> None:
    template(chart)
    (chart / "templates" / "b.yaml").write_text("a: [\n")
    bad = template(chart)
    assert bad[0] == 1
    assert template(chart) == bad
