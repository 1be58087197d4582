"""Failures of templates: Helm's words, and ours with place, excerpt and hint."""

from __future__ import annotations

import pytest
from rendering import chart_of, render, render_chart

from pyhelm.engine.interface import Limits
from pyhelm.errors import TemplateError

HELM: list[tuple[str, str, str]] = [
    (
        "{{ .Values.a.b }}",
        "",
        'gold/templates/vector.yaml:1:10\n  executing "gold/templates/vector.yaml" at <.Values.a.b>:\n'
        "    nil pointer evaluating interface {}.b\n",
    ),
    (
        'x\n  {{ include "h" . }}',
        '{{ define "h" }}\n{{ .Values.a.b }}{{ end }}',
        'gold/templates/vector.yaml:2:5\n  executing "gold/templates/vector.yaml" at <include "h" .>:\n    error calling include:\n'  # noqa: E501
        'gold/templates/_helpers.tpl:2:10\n  executing "h" at <.Values.a.b>:\n    nil pointer evaluating interface {}.b\n',  # noqa: E501
    ),
    (
        '{{ template "h" . }}',
        '{{ define "h" }}{{ upper 5 }}{{ end }}',
        'gold/templates/_helpers.tpl:1:25\n  executing "h" at <5>:\n    expected string; found 5\n',
    ),
    ('{{ fail "why" }}', "", "execution error at (gold/templates/vector.yaml:1:3): why"),
    (
        '{{ tpl "{{ .a.b }}" . }}',
        "",
        'template: gold/templates/vector.yaml:1:3: executing "gold/templates/vector.yaml" at '
        '<tpl "{{ .a.b }}" .>: error calling tpl: error during tpl function execution for "{{ .a.b }}": '
        'template: gotpl:1:5: executing "gotpl" at <.a.b>: nil pointer evaluating interface {}.b',
    ),
    ('é {{ required "m" .Values.x }}', "", "execution error at (gold/templates/vector.yaml:1:6): m"),
    ("{{ if }}", "", "parse error at (gold/templates/vector.yaml:1): missing value for if"),
    ("a\n{{ nosuch }}", "", 'parse error at (gold/templates/vector.yaml:2): function "nosuch" not defined'),
]


@pytest.mark.parametrize(("text", "helpers", "expected"), HELM)
def test_helm_would_say(text: str, helpers: str, expected: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(text, helpers=helpers)
    assert caught.value.helm == expected


def test_we_say_where_and_through_what() -> None:
    with pytest.raises(TemplateError) as caught:
        render('x: {{ include "h" . }}', helpers='{{ define "h" }}\né {{ .Values.a.b }}{{ end }}')
    error = caught.value
    assert str(error) == "gold/templates/_helpers.tpl:2:13: nil pointer evaluating interface {}.b"
    assert [(frame.template, frame.line, frame.column) for frame in error.frames] == [
        ("gold/templates/vector.yaml", 1, 7),
        ("h", 2, 13),
    ]
    assert error.excerpt == "2 | é {{ .Values.a.b }}{{ end }}\n  |             ^"
    assert ".b" in error.hint


def test_a_misspelt_function_gets_a_suggestion() -> None:
    with pytest.raises(TemplateError) as caught:
        render("{{ qoute 1 }}")
    assert caught.value.kind == "parse"
    assert caught.value.hint == "did you mean quote?"


def test_a_misspelt_value_gets_a_suggestion() -> None:
    with pytest.raises(TemplateError) as caught:
        render("{{ .Values.imgae.tag }}", {"image": {"tag": "1"}})
    assert caught.value.hint == ".Values.imgae is not set; did you mean .Values.image?"


def test_endless_includes_end_with_helms_words() -> None:
    with pytest.raises(
        TemplateError, match="rendering template has a nested reference name: a: unable to execute template"
    ):
        render('{{ include "a" . }}', helpers='{{ define "a" }}{{ include "a" . }}{{ end }}')


def test_endless_template_actions_end() -> None:
    with pytest.raises(TemplateError, match="exceeded maximum template depth"):
        render('{{ template "a" . }}', helpers='{{ define "a" }}{{ template "a" . }}{{ end }}')


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("{{ range until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}", Limits(loops=5000)),
        ('{{ range until 300 }}{{ include "big" . }}{{ end }}', Limits(output_bytes=10_000)),
        ('{{ include "deep" 40 }}', Limits(seconds=0.05)),
    ],
)
def test_hostile_charts_meet_a_limit(text: str, limits: Limits) -> None:
    big = '{{ define "big" }}' + "x" * 1000 + "{{ end }}"
    deep = '{{ define "deep" }}{{ if . }}{{ include "deep" (sub . 1) }}{{ include "deep" (sub . 1) }}{{ end }}{{ end }}'
    with pytest.raises(TemplateError) as caught:
        render(text, helpers=big + deep, limits=limits)
    assert caught.value.kind == "limit"


def test_a_jinja2_failure_names_its_place_and_what_was_meant() -> None:
    chart = chart_of({"a.yaml": "a: 1\nb: {{ Values.imgae.tag }}\n"}, engine="jinja2")
    with pytest.raises(TemplateError) as caught:
        render_chart(chart, {"image": {"tag": "1"}})
    assert str(caught.value) == "gold/templates/a.yaml:2:14: there is no imgae here (did you mean image?)"
    assert caught.value.excerpt.startswith("2 | b: {{ Values.imgae.tag }}")
