"""Values that do nothing are told, with the place they were written at, and nothing else is."""

from __future__ import annotations

import json

import pytest

from pyhelm.chart.load import from_files
from pyhelm.chart.model import Chart, ChartFile
from pyhelm.values.review import unknown_values, unused_values

CHART = b"apiVersion: v2\nname: c\nversion: 1.0.0\n"


def chart(values: str, template: str, **more: str) -> Chart:
    files = {"Chart.yaml": CHART.decode(), "values.yaml": values, "templates/t.yaml": template, **more}
    return from_files(ChartFile(name, text.encode()) for name, text in files.items())


def unused(values: str, template: str) -> list[str]:
    return [f"{idle.name}@{idle.place.line}" for idle in unused_values(chart(values, template))]


def unknown(given: str, values: str, schema: object = None) -> list[tuple[str, str, int]]:
    import yaml

    more = {} if schema is None else {"values.schema.json": json.dumps(schema)}
    found = unknown_values(chart(values, "", **more), [("my.yaml", given.encode(), yaml.safe_load(given))])
    return [(idle.name, idle.near, idle.place.line) for idle in found]


def test_a_default_nobody_reads_is_told_with_its_line() -> None:
    assert unused("a: 1\nb:\n  c: 2\n  d: 3\n", "{{ .Values.a }} {{ .Values.b.c }}") == ["b.d@4"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ toYaml .Values }}",
        '{{ include "x" (dict "v" .Values) }}',
        "{{ with .Values.b }}{{ .c }}{{ end }}{{ .Values.a }}",
        "{{ $.Values.a }}{{ range .Values.b }}{{ . }}{{ end }}",
        '{{ index .Values "b" "c" }}{{ .Values.a }}',
        "{{ Values.a }}{{ Values.b['c'] }}",
        "{% if Values.a %}{% for x in Values.b %}{% endfor %}{% endif %}",
    ],
)
def test_whatever_may_be_read_counts_as_read(template: str) -> None:
    assert unused("a: 1\nb:\n  c: 2\n", template) == []


def test_prose_and_comments_do_not_read() -> None:
    assert unused("a: 1\n", "# .Values.a\n{{/* .Values.a */}}") == ["a@1"]


def test_a_slip_of_the_pen_is_told_with_what_was_meant() -> None:
    assert unknown("web:\n  replcas: 2\n", "web: {replicas: 1}") == [("web.replcas", "replicas", 2)]


def test_open_maps_and_declared_keys_are_known() -> None:
    assert unknown("labels: {x: y}\nglobal: {a: 1}\n", "labels: {}") == []
    assert unknown("extra: 1\n", "a: 1", {"properties": {"extra": {"type": "integer"}}}) == []
    assert unknown("extra: 1\n", "a: 1", {"additionalProperties": {"type": "integer"}}) == []


def test_values_of_subcharts_are_judged_by_the_subchart() -> None:
    files = [
        ChartFile("Chart.yaml", CHART),
        ChartFile("charts/sub/Chart.yaml", CHART.replace(b"name: c", b"name: sub")),
        ChartFile("charts/sub/values.yaml", b"port: 1\n"),
    ]
    given = {"sub": {"port": 2, "prot": 3}}
    assert [idle.name for idle in unknown_values(from_files(files), [("--set", None, given)])] == ["sub.prot"]
