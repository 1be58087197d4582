"""Effective values of charts, subcharts and flags, against answers recorded from Helm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyhelm.chart.checks import check_dependencies, check_installable
from pyhelm.chart.load import from_files
from pyhelm.chart.model import Chart, ChartFile
from pyhelm.errors import PyhelmError
from pyhelm.values import render
from pyhelm.values.sources import ValueFlags, merge_sources

GOLDENS = Path(__file__).resolve().parents[4] / "shared" / "goldens" / "helm" / "values.jsonl"
CASES = [json.loads(line) for line in GOLDENS.read_text().splitlines()] if GOLDENS.exists() else []
FLAGS = {
    "-f": "files",
    "--values": "files",
    "--set": "set",
    "--set-string": "set_string",
    "--set-json": "set_json",
    "--set-file": "set_file",
    "--set-literal": "set_literal",
}


def chart_files(name: str, case: dict[str, Any], base: str = "") -> Iterator[ChartFile]:
    """The files of a vector's chart and of its subcharts."""
    version = {"version": "0.1.0"} if base else {"version": "1.2.3", "appVersion": "4.5.6"}
    metadata = {"apiVersion": "v2", "name": name, **version, **(case.get("chart") or {})}
    yield ChartFile(base + "Chart.yaml", json.dumps(metadata).encode())
    text = case.get("chart_values_yaml" if not base else "values_yaml")
    values = case.get("chart_values" if not base else "values")
    if text is not None:
        yield ChartFile(base + "values.yaml", text.encode())
    elif values is not None:
        yield ChartFile(base + "values.yaml", json.dumps(values).encode())
    if "schema" in case:
        schema = case["schema"]
        data = schema if isinstance(schema, str) else json.dumps(schema)
        yield ChartFile(base + "values.schema.json", data.encode())
    for child, inner in (case.get("subcharts") or {}).items():
        yield from chart_files(child, inner, f"{base}charts/{child}/")


def flags_of(case: dict[str, Any]) -> ValueFlags:
    given: dict[str, list[str]] = {}
    words = [f"-f=f{i}.yaml" for i in range(len(case.get("files") or []))] + list(case.get("set") or [])
    rest = iter(words)
    for word in rest:
        if word == "--skip-schema-validation":
            continue
        flag, equals, value = word.partition("=")
        if flag not in FLAGS or not equals:
            flag, value = word, next(rest)
        given.setdefault(FLAGS[flag], []).append(value)
    return ValueFlags(**given)  # type: ignore[arg-type]


def read(case: dict[str, Any], path: str) -> bytes:
    texts = {f"f{i}.yaml": text for i, text in enumerate(case.get("files") or [])} | (case.get("setfiles") or {})
    if path not in texts:
        raise FileNotFoundError(2, "No such file or directory")
    return texts[path].encode()


def scopes(chart: Chart, values: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    path = f"{path}/charts/{chart.name}" if path else chart.name
    if not chart.is_library:
        yield path, values
    for child in chart.dependencies:
        yield from scopes(child, values.get(child.name) or {}, path)


def number_types(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from number_types(item, f"{path}/{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from number_types(item, f"{path}/{i}")
    elif isinstance(value, float | int) and not isinstance(value, bool):
        yield path, "float64" if isinstance(value, float) else "int64"


def unordered(line: str) -> str:
    """A line whose quoted names stand in a fixed order: Helm prints them in map order."""
    place, _, rest = line.partition(": ")
    return f"{place}: {''.join(sorted(rest))}"


@pytest.mark.skipif(not CASES, reason="the recorded answers of Helm are not here")
@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c["id"]))
def test_effective_values(case: dict[str, Any]) -> None:
    try:
        chart = from_files(chart_files("gold", case))
        check_installable(chart)
        check_dependencies(chart)
        given = merge_sources(flags_of(case), lambda path: read(case, path))
        settled, values = render.effective_values(
            chart, given, check_schema="--skip-schema-validation" not in case.get("set", [])
        )
    except PyhelmError as error:
        assert "error" in case, f"unexpected error: {error}"
        if "interface conversion:" in case["error"] or "against metaschema" in case["error"]:
            return  # ours says the same in other words, see docs/helm-compatibility.md
        expected, got = case["error"].splitlines(), str(error).splitlines()
        if case.get("error_any_order"):
            expected, got = sorted(map(unordered, expected)), sorted(map(unordered, got))
        assert got == expected
        return
    assert "error" not in case, case["error"]
    if "effective_summary" in case:
        return
    found = dict(scopes(settled, values))
    assert json.loads(json.dumps(found)) == case["effective"]
    for path, types in (case.get("number_types") or {}).items():
        assert dict(number_types(found[path], "")) == types
