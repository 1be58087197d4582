"""Go-template charts converted to Jinja2: the same output, and names for what cannot be converted."""

from __future__ import annotations

from typing import Any

import pytest
from rendering import chart_of, render_chart

from pyhelm.chart.load import from_files
from pyhelm.chart.model import ChartFile
from pyhelm.engine.convert import ConvertError, convert_chart, convert_template

CASES: list[tuple[str, dict[str, Any]]] = [
    (
        'a: {{ .Values.a | default "d" | quote }}\n{{- if .Values.b }}\nb\n{{- else if .Values.c }}\nc\n{{- else }}\nd\n{{- end }}\n',  # noqa: E501
        {"c": 1.0},
    ),
    (
        "{{- range $k, $v := .Values.m }}\n{{ $k }}: {{ $v }}\n{{- else }}\nnone\n{{- end }}",
        {"m": {"b": 1.0, "a": 1e6}},
    ),
    ("{{ $x := 1 }}{{ range .Values.l }}{{ $x = add $x . }}{{ end }}{{ $x }}", {"l": [1.0, 2.0]}),
    ("{{ with .Values.a }}{{ .b }}{{ else with .Values.c }}c{{ . }}{{ else }}e{{ end }}", {"c": "x"}),
    (
        '{{ range .Values.l }}{{ if eq . "b" }}{{ continue }}{{ end }}{{ . }}{{ $.Release.Name }}{{ end }}',
        {"l": ["a", "b", "c"]},
    ),
    ("  {{ if true }}\n  x\n  {{ end }}\ny {%raw%} {# no #}\n", {}),
    ("{{ .Values.missing }}|{{ (.Values.missing).x }}|{{ not .Values.missing }}|{{ .Values.n }}", {"n": 3.5}),
    ('{{/* a comment */}}{{ include "h.x" (dict "a" 1) }}{{- template "h.x" . -}} end', {"a": "b"}),
    ('{{ printf "%d-%s" (int .Values.n) "q\\"\\n" }}{{ list 1 2 | join "," }}{{ max 1 2 }}{{ 5 | max 2 }}', {"n": 7.0}),
    ('{{ tpl "{{ .Release.Name }}" . }}{{ .Files.Get "none" }}{{ .Capabilities.KubeVersion.Minor }}', {}),
    ("{{ if or (and .Values.a (eq .Values.a 1.0)) .Values.b }}T{{ end }}{{ default -2 -1 }}", {"b": True}),
]
HELPERS = '{{- define "h.x" -}}\n{{- $y := 1 }}{{ if true }}{{ $y = 2 }}{{ end -}}\n<{{ .a }}{{ $y }}>{{- end -}}\n'


@pytest.mark.parametrize(("text", "values"), CASES)
def test_a_converted_template_renders_the_same(text: str, values: dict[str, Any]) -> None:
    files = [
        ChartFile("Chart.yaml", b"apiVersion: v2\nname: gold\nversion: 1.2.3\n"),
        ChartFile("templates/vector.yaml", text.encode()),
        ChartFile("templates/_helpers.tpl", HELPERS.encode()),
    ]
    converted, complaints = convert_chart(files)
    assert complaints == []
    chart = from_files(converted)
    assert chart.engine == "jinja2"
    assert render_chart(chart, values) == render_chart(from_files(files), values)


def test_what_cannot_be_converted_is_named_by_file_and_line_and_stays() -> None:
    text = 'a\n{{ block "b" . }}{{ end }}'
    files = [
        ChartFile("Chart.yaml", b"apiVersion: v2\nname: gold\nversion: 1.2.3\n"),
        ChartFile("templates/x.yaml", text.encode()),
    ]
    converted, complaints = convert_chart(files)
    assert complaints == ["templates/x.yaml:2: block is not converted"]
    assert [file.data for file in converted] == [file.data for file in files]


def test_a_template_that_does_not_parse_is_refused_with_its_line() -> None:
    with pytest.raises(ConvertError) as caught:
        convert_template("a\n{{ if }}", "x.yaml")
    assert caught.value.line == 2


def test_converted_charts_read_well() -> None:
    text = '{{- if .Values.on }}\nname: {{ include "n" . | quote }}\n{{- end }}'
    expected = '{%- if ctx.Values.on %}\nname: {{ include("n", ctx) | quote }}\n{%- endif %}'
    assert convert_template(text, "x.yaml") == expected


def test_a_subchart_left_in_go_is_still_reached() -> None:
    chart = chart_of(
        {"a.yaml": '{% define "top.name" %}T{{ include("sub", ctx) }}{% enddefine %}{{ include("top.name", ctx) }}'},
        engine="jinja2",
    )
    chart_of({"_h.tpl": '{{ define "sub" }}S{{ .Release.Name }}{{ end }}'}, name="sub", parent=chart)
    assert render_chart(chart) == {"gold/templates/a.yaml": "TSrel"}
