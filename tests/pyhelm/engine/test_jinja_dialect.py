"""Charts in Jinja2: the objects, functions as filters, named templates across dialects, the sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from rendering import chart_of, render_chart

from pyhelm.chart.model import ChartFile
from pyhelm.errors import TemplateError


def render(text: str, values: dict[str, Any] | None = None, helpers: str = "", **options: Any) -> str:
    chart = chart_of({"a.yaml": text, "_helpers.tpl": helpers}, engine="jinja2")
    chart.files.append(ChartFile("conf/x.txt", b"hello"))
    return render_chart(chart, values, **options)["gold/templates/a.yaml"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ Release.Name }} {{ Chart.Name }} {{ Template.Name }}", "rel gold gold/templates/a.yaml"),
        ('{{ Files.Get("conf/x.txt") | upper | quote }}', '"HELLO"'),
        ('{{ Capabilities.APIVersions.Has("apps/v1") }} {{ Capabilities.KubeVersion.Minor }}', "true 35"),
        ("{{ Values.big }} {{ Values.half }} {{ Values.yes }} [{{ Values.none }}]", "10000000 0.5 true []"),
        ("{{ Values.items.a }} {{ Values.keys }}", "1 k"),
        ("{{ Values.map | toYaml | nindent(2) }}", "\n  b: 1"),
        ('{{ Values.nope | default("d") }} {{ default("e", Values.nope) }}', "d e"),
        ("{% if Values.nope %}a{% else %}b{% endif %}", "b"),
        ("{% for k, v in Values.map.items() %}{{ k }}={{ v }}{% endfor %}", "b=1"),
        ("a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc\n"),
        ('{{ "abcdef" | trunc(3) }} {{ ["b", "a"] | sortAlpha | join(",") }}', "abc a,b"),
        ('{% import "_helpers.tpl" as h with context %}{{ h.full("x") }}', "rel-x"),
        ('{{ include("gold.full", "y") }} {{ include("plain", ctx) }}', "rel-y P"),
    ],
)
def test_a_template_prints(text: str, expected: str) -> None:
    helpers = "{% macro full(n) %}{{ Release.Name }}-{{ n }}{% endmacro %}{% macro plain() %}P{% endmacro %}"
    values = {"big": 1e7, "half": 0.5, "yes": True, "none": None, "items": {"a": 1.0}, "keys": "k", "map": {"b": 1.0}}
    assert render(text, values, helpers) == expected


def test_both_dialects_include_each_others_templates() -> None:
    parent = chart_of(
        {"a.yaml": '{{ include("sub.name", ctx) }}', "_h.tpl": "{% macro m() %}M{{ Chart.Name }}{% endmacro %}"},
        engine="jinja2",
    )
    go = {"_h.tpl": '{{ define "sub.name" }}<{{ .Release.Name }}>{{ end }}', "x.yaml": '{{ include "gold.m" . }}'}
    chart_of(go, name="sub", parent=parent)
    assert render_chart(parent) == {"gold/charts/sub/templates/x.yaml": "Msub", "gold/templates/a.yaml": "<rel>"}


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ().__class__.__bases__[0].__subclasses__() }}",
        "{{ Values['__class__'] }}",
        "{{ include.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ Files.go_methods.__func__ }}",
        "{{ self.__init__ }}",
        "{{ '%s' | attr('format') }}{{ ''|attr('__class__') }}",
        "{% include '/etc/passwd' %}",
        "{{ 'a' * 999999999 }}",
        "{{ 9 ** 99999 }}",
        "{{ range(99999999) | length }}",
    ],
)
def test_python_is_out_of_reach(text: str) -> None:
    with pytest.raises(TemplateError):
        render(text)


def test_what_does_not_exist_fails_loudly_and_with_strict_in_tests_too() -> None:
    with pytest.raises(TemplateError, match=r"there is no tga here .did you mean tag"):
        render("{{ Values.tga }}", {"tag": 1.0})
    with pytest.raises(TemplateError, match="there is no tga here"):
        render("{% if Values.tga %}{% endif %}", {"tag": 1.0}, strict=True)


def test_functions_of_the_engine_work_there() -> None:
    assert render('{{ tpl("{{ .Release.Name }}", ctx) }} {{ required("m", Values.a) }}', {"a": "v"}) == "rel v"
    with pytest.raises(TemplateError, match="boo"):
        render('{{ fail("boo") }}')
