"""Failures as a person gets them: place, excerpt, way, values with their files; Helm's words on demand."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from pyhelm.cli.main import main


def failed(home: Path, *argv: str, program: str = "pyhelm") -> str:
    err = io.StringIO()
    assert main([*argv], io.StringIO(), err, io.StringIO(), {"HOME": str(home)}, program) == 1
    return err.getvalue().replace(f"{home}/", "")


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "bad"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: bad\nversion: 1.0.0\n")
    (folder / "values.yaml").write_text('a:\n  x: 1\nname: "a: b"\n')
    (folder / "templates" / "_h.tpl").write_text('{{- define "h" }}\nz: {{ .Values.a.b.c }}\n{{- end }}\n')
    return folder


def test_the_way_into_a_helper_and_the_value(chart: Path, tmp_path: Path) -> None:
    (chart / "templates" / "x.yaml").write_text('x:\n  {{- include "h" . }}\n')
    assert failed(tmp_path, "template", str(chart)) == (
        "Error: bad/templates/_h.tpl:2:14: nil pointer evaluating interface {}.c\n"
        "  2 | z: {{ .Values.a.b.c }}\n"
        "    |              ^\n"
        '  reached from bad/templates/x.yaml:2:7: include "h" .\n'
        "  .Values.a comes from bad/values.yaml:1:1; it has no b.c\n"
        "hint: what stands before .c is not set: check its name, or guard it with `if` or `with`\n"
    )


def test_the_users_file_comes_before_the_charts(chart: Path, tmp_path: Path) -> None:
    (chart / "templates" / "x.yaml").write_text('{{ include "h" . }}\n')
    given = tmp_path / "my.yaml"
    given.write_text("# mine\na:\n  b: text\n")
    told = failed(tmp_path, "template", str(chart), "-f", str(given))
    assert "  .Values.a.b comes from my.yaml:3:3; it has no c\n" in told
    told = failed(tmp_path, "template", str(chart), "-f", str(given), "--set", "a.b=1")
    assert "  .Values.a.b comes from --set; it has no c\n" in told


def test_yaml_that_is_none_points_at_the_template(chart: Path, tmp_path: Path) -> None:
    (chart / "templates" / "x.yaml").write_text(
        "kind: A\n{{- range tuple 1 2 }}\n---\nkind: B\n{{- end }}\n---\nname: {{ .Values.name }}\n"
    )
    assert failed(tmp_path, "template", str(chart)).startswith(
        "Error: bad/templates/x.yaml:7: the output is not valid YAML: mapping values are not allowed here\n"
        "  7 | name: {{ .Values.name }}\n"
        "    | ^\n"
        "rendered as:\n"
        "  | name: a: b\n"
        "  |        ^\n"
        "  .Values.name comes from bad/values.yaml:3:1\n"
    )


def test_a_value_the_schema_refuses_has_an_origin(chart: Path, tmp_path: Path) -> None:
    (chart / "values.schema.json").write_text(json.dumps({"properties": {"a": {"type": "string"}}}))
    told = failed(tmp_path, "template", str(chart))
    assert told.endswith("- at '/a': got object, want string\n  .Values.a comes from bad/values.yaml:1:1\n")


def test_values_of_a_subchart_are_found_in_the_parents_file(chart: Path, tmp_path: Path) -> None:
    sub = chart / "charts" / "sub"
    (sub / "templates").mkdir(parents=True)
    (sub / "Chart.yaml").write_text("apiVersion: v2\nname: sub\nversion: 1.0.0\n")
    (sub / "values.yaml").write_text("a: {}\nq: 1\n")
    (sub / "templates" / "y.yaml").write_text("{{ .Values.a.b.c }}\n")
    told = failed(tmp_path, "template", str(chart), "--set", "sub.z=1")
    assert "  .Values.a comes from bad/charts/sub/values.yaml:1:1; it has no b.c\n" in told
    (chart / "values.yaml").write_text("sub:\n  a:\n    b: text\n")
    told = failed(tmp_path, "template", str(chart))
    assert "  .Values.a.b comes from bad/values.yaml:3:5; it has no c\n" in told


@pytest.mark.parametrize("argv", [("--helm-errors",), ()])
def test_helms_own_words_for_scripts(chart: Path, tmp_path: Path, argv: tuple[str, ...]) -> None:
    (chart / "templates" / "x.yaml").write_text('{{ include "h" . }}\n')
    told = failed(tmp_path, "template", str(chart), *argv, program="pyhelm" if argv else "helm")
    assert told.startswith('Error: bad/templates/x.yaml:1:3\n  executing "bad/templates/x.yaml" at <include "h" .>:\n')


def test_what_a_command_says_first_stays(chart: Path, tmp_path: Path) -> None:
    (chart / "templates" / "x.yaml").write_text('{{ fail "why" }}\n')
    told = failed(tmp_path, "install", "r", str(chart), "--dry-run=client")
    assert told.startswith("Error: INSTALLATION FAILED: bad/templates/x.yaml:1:4: why\n  1 | {{ fail")


@pytest.mark.parametrize("action", ['{{ include "j" . }}', '{{ template "j" . }}'])
def test_a_misspelt_template_gets_a_suggestion(chart: Path, tmp_path: Path, action: str) -> None:
    (chart / "templates" / "_h.tpl").write_text('{{- define "bad.labels" }}{{ end }}')
    (chart / "templates" / "x.yaml").write_text(action.replace('"j"', '"bad.lables"') + "\n")
    assert failed(tmp_path, "template", str(chart)).endswith('hint: did you mean "bad.labels"?\n')


def test_jinja2_charts_are_told_the_same_way(chart: Path, tmp_path: Path) -> None:
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: bad\nversion: 1.0.0\nengine: jinja2\n")
    (chart / "templates" / "_h.tpl").unlink()
    template = chart / "templates" / "x.yaml"
    template.write_text("{% for x in [1, 2] %}\n---\nkind: A\n{% endfor %}\n---\nname: {{ Values.name }}\n")
    told = failed(tmp_path, "template", str(chart))
    assert told.startswith("Error: bad/templates/x.yaml:6: the output is not valid YAML: mapping values")
    assert "  .Values.name comes from bad/values.yaml:3:1\n" in told
    template.write_text("# one\nname: {{ Values.a.nope.tag }}\n")
    told = failed(tmp_path, "template", str(chart))
    assert told.startswith("Error: bad/templates/x.yaml:2:")
    assert "  .Values.a comes from bad/values.yaml:1:1; it has no nope.tag\n" in told
