"""The language of Go templates: what a text means."""

from __future__ import annotations

from typing import Any

import pytest
from rendering import chart_of, render, render_chart

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("a{{- 1 -}} b", {}, "a1b"),
    ("a {{- /* c */ -}} b", {}, "ab"),
    ("{{ `raw\\n` }}{{ 'a' }}{{ 0x1F }}{{ 1_000 }}{{ 1.50 }}", {}, "raw\\n973110001.5"),
    ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}", {}, "21"),
    ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", {}, "2"),
    ("{{ range $i, $e := .Values.l }}{{ $i }}={{ $e }};{{ end }}", {"l": ["a", "b"]}, "0=a;1=b;"),
    ("{{ range $k, $v := .Values.m }}{{ $k }}={{ $v }};{{ end }}", {"m": {"b": "2", "a": "1"}}, "a=1;b=2;"),
    ("{{ range .Values.l }}{{ . }}{{ else }}none{{ end }}", {"l": []}, "none"),
    ("{{ range 3 }}{{ . }}{{ end }}", {}, "012"),
    (
        "{{ range .Values.l }}{{ if eq . 2.0 }}{{ continue }}{{ end }}{{ if eq . 4.0 }}{{ break }}{{ end }}{{ . }}{{ end }}",  # noqa: E501
        {"l": [1.0, 2.0, 3.0, 4.0, 5.0]},
        "13",
    ),
    ("{{ range .Values.l }}{{ $.Release.Name }}{{ end }}", {"l": [1.0, 2.0]}, "relrel"),
    ("{{ with .Values.a }}{{ .b }}{{ else with .Values.c }}c{{ . }}{{ else }}e{{ end }}", {"c": "x"}, "cx"),
    ("{{ with $y := .Values.a }}{{ $y.b }}{{ .b }}{{ end }}", {"a": {"b": "z"}}, "zz"),
    ("{{ if .Values.x }}1{{ else if .Values.y }}2{{ else }}3{{ end }}", {"y": True}, "2"),
    ("{{ and 1 0 2 }}{{ or 0 false 7 }}{{ not 1 }}", {}, "07false"),
    ("[{{ .Values.missing }}][{{ (.Values.missing).deep.er }}]", {}, "[][]"),
    ('{{ define "d" }}<{{ . }}>{{ end }}{{ template "d" 5 }}{{ include "d" "x" }}', {}, "<5><x>"),
    ('{{ block "b" .Values.v }}B{{ . }}{{ end }}', {"v": "w"}, "Bw"),
    ('{{ tpl "{{ .Release.Name }}{{ include \\"h\\" . }}" . }}', {}, "relH"),
    ('{{ tpl "{{ define \\"own\\" }}O{{ end }}{{ include \\"own\\" . }}" . }}', {}, "O"),
    ('{{ .Release.Name | printf "%s-%s" "a" }}', {}, "a-rel"),
    ("{{ (index .Values.l 1).n }}", {"l": [{}, {"n": "deep"}]}, "deep"),
    ("{{ $l := list }}{{ range $i, $_ := until 3 }}{{ $l = append $l $i }}{{ end }}{{ $l }}", {}, "[0 1 2]"),
    ("{{ $ := 3 }}{{ $ }}", {}, "3"),
    ('{{ range $i, $e := .Values.l }}{{ $e = "z" }}{{ $e }}{{ . }}{{ end }}', {"l": ["a"]}, "za"),
]


@pytest.mark.parametrize(("text", "values", "expected"), CASES)
def test_a_template_prints(text: str, values: dict[str, Any], expected: str) -> None:
    assert render(text, values, '{{ define "h" }}H{{ end }}') == expected


def test_no_value_is_removed_even_from_plain_text() -> None:
    assert render("a<no value>b") == "ab"


def test_the_piped_value_is_evaluated_before_the_other_arguments() -> None:
    text = '{{ $d := dict }}{{ (set $d "a" 1).a | add (unset $d "a" | len) }}'
    assert render(text) == "1"


def test_a_shallower_file_overrides_a_subcharts_template_and_an_empty_one_overrides_nothing() -> None:
    parent = chart_of({"_h.tpl": '{{ define "n" }}parent{{ end }}{{ define "k" }} {{ end }}'})
    sub = {
        "_h.tpl": '{{ define "n" }}sub{{ end }}{{ define "k" }}kept{{ end }}',
        "x.yaml": '{{ include "n" . }} {{ include "k" . }}',
    }
    chart_of(sub, name="sub", parent=parent)
    assert render_chart(parent) == {"gold/charts/sub/templates/x.yaml": "parent kept"}


def test_files_run_deepest_first_and_backwards_and_share_their_values() -> None:
    files = {
        "a.yaml": '{{ .Values.seen | join "" }}',
        "z.yaml": '{{ $_ := set .Values "seen" (list "z") }}',
        "d/q.yaml": "q",
    }
    found = render_chart(chart_of(files))
    assert list(found) == ["gold/templates/d/q.yaml", "gold/templates/z.yaml", "gold/templates/a.yaml"]
    assert found["gold/templates/a.yaml"] == "z"


def test_a_subchart_sees_its_own_values_and_itself() -> None:
    parent = chart_of({})
    chart_of(
        {"x.yaml": "{{ .Values.v }} {{ .Chart.Name }} {{ .Template.Name }} {{ .Chart.IsRoot }}"},
        name="sub",
        parent=parent,
    )
    found = render_chart(parent, {"sub": {"v": "mine"}})
    assert found == {"gold/charts/sub/templates/x.yaml": "mine sub gold/charts/sub/templates/x.yaml false"}


def test_of_a_library_chart_only_partials_count() -> None:
    parent = chart_of({"a.yaml": '{{ include "lib" . }}'})
    library = chart_of({"_l.tpl": '{{ define "lib" }}L{{ end }}', "x.yaml": "never"}, name="lib", parent=parent)
    library.metadata["type"] = "library"
    assert render_chart(parent) == {"gold/templates/a.yaml": "L"}


def test_bytes_outside_utf_8_survive() -> None:
    assert render('{{ "\\xff\\u00e9" }}').encode("utf-8", "surrogateescape") == b"\xff\xc3\xa9"


def test_lookup_is_handed_in() -> None:
    assert render('{{ (lookup "v1" "Pod" "ns" "n").kind }}', lookup=lambda *a: {"kind": "-".join(a)}) == "v1-Pod-ns-n"
    assert render('{{ lookup "v1" "Pod" "ns" "n" }}') == "map[]"


def test_lint_softens_required_and_fail() -> None:
    assert render('[{{ required "x" .Values.a }}{{ fail "no" }}]', lint=True) == "[]"
