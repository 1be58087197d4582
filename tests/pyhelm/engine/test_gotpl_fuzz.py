"""Whatever text comes, the front ends end with a rendering or a TemplateError, soon."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import chart_of, render, render_chart

from pyhelm.engine.interface import Limits
from pyhelm.errors import TemplateError

LIMITS = Limits(loops=10_000, output_bytes=1_000_000, seconds=2.0)
PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        "\n",
        "{{/*",
        "*/}}",
        "if",
        "else",
        "end",
        "range",
        "with",
        "define",
        "template",
        "block",
        "break",
        "continue",
        ".",
        ".Values",
        ".a",
        "$",
        "$x",
        ":=",
        "=",
        "|",
        "(",
        ")",
        ",",
        '"s"',
        "`r`",
        "'c'",
        "1",
        "-2.5e3",
        "0x",
        "nil",
        "true",
        "printf",
        "include",
        "tpl",
        "index",
        "list",
        "dict",
        "é",
        "\\",
        '"',
        "{{ end }}",
        "{{ if . }}",
        "{{ range .Values }}",
        '{{ define "a" }}',
        "\x00",
        "\ud800",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_go_template_ends(text: str) -> None:
    try:
        render(text.encode("utf-8", "replace").decode(), {"a": {"b": [1.0, "x"]}}, limits=LIMITS)
    except TemplateError as error:
        assert error.helm


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(PIECES, st.sampled_from(["{%", "%}", "{#", "#}", "for x in Values", "set x", "macro m()"])),
        max_size=20,
    ).map(" ".join)
)
def test_any_jinja2_template_ends(text: str) -> None:
    chart = chart_of({"a.yaml": text.encode("utf-8", "replace").decode()}, engine="jinja2")
    try:
        render_chart(chart, {"a": 1.0}, limits=LIMITS)
    except TemplateError as error:
        assert str(error)


def test_deep_nesting_is_refused_or_rendered() -> None:
    for text in (
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ if 1 }}" * 500,
        "{{ range .l }}" * 30 + "{{ end }}" * 30,
        "{{ if 0 }}" + "{{ else if 0 }}" * 3000 + "{{ end }}",
        "{{ 1" + " | print" * 3000 + " }}",
    ):
        try:
            render(text, {"l": []})
        except TemplateError as error:
            assert error.kind in ("parse", "limit", "execution")
