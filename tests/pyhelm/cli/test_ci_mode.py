"""template and lint as a pipeline runs them: checks, reports, exit codes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyhelm.cli.main import main

DEPLOYMENT = """\
{{- define "l" -}}
app: x
{{- end }}
{{- if .Values.replicas }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    {{- include "l" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec:
      containers:
        - name: fixed
        {{- range .Values.containers }}
        - name: {{ . }}
          imag: x
        {{- end }}
{{- end }}
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    (folder / "values.yaml").write_text("replicas: 2\ncontainers: []\n")
    (folder / "templates" / "d.yaml").write_text(DEPLOYMENT)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def go(*argv: str | Path, program: str = "pyhelm") -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        code = main([str(word) for word in argv], out, err, io.StringIO(), {"HOME": str(tmp_path)}, program)
        return code, out.getvalue(), err.getvalue()

    return go


def rules(report: str) -> list[tuple[str, str, int]]:
    return [(f["rule"], Path(f["file"]).name, f["line"]) for f in json.loads(report)["findings"]]


def test_a_good_chart_is_fine_and_printed_as_ever(chart: Path, run: Run) -> None:
    plain = run("template", chart)
    assert plain[0] == 0
    code, out, err = run("template", chart, "--review")
    assert (code, out, err) == (0, plain[1], "0 error(s), 0 warning(s)\n")


def test_a_fault_of_the_schema_names_the_line_of_the_template(chart: Path, run: Run) -> None:
    code, out, err = run("template", chart, "--validate-schema", "--set", "containers={a}")
    assert code == 2
    assert out.startswith("---\n# Source: shop/templates/d.yaml\n")
    where = chart / "templates" / "d.yaml"
    assert err.startswith(f"{where}:21: error: Deployment/web: spec.template.spec.containers[1].imag: unknown field")


def test_the_target_version_decides_what_is_retired(chart: Path, run: Run) -> None:
    (chart / "templates" / "p.yaml").write_text(
        "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: p}\n"
    )
    code, out, _ = run("template", chart, "--check-apis", "--report", "json", "--kube-version", "1.24")
    assert (code, rules(out)) == (0, [("deprecated-api", "p.yaml", 1)])
    code, out, _ = run("template", chart, "--check-apis", "--report", "json", "--kube-version", "1.24", "--strict")
    assert code == 2
    code, out, _ = run("template", chart, "--check-apis", "--report", "json", "--kube-version", "1.25")
    assert (code, rules(out)) == (2, [("removed-api", "p.yaml", 1)])
    assert json.loads(out)["findings"][0]["advice"] == "use policy/v1 PodDisruptionBudget"


@pytest.mark.parametrize("place", ["crds", "given"])
def test_custom_resources_are_checked_by_their_definitions(chart: Path, run: Run, tmp_path: Path, place: str) -> None:
    (chart / "templates" / "g.yaml").write_text(
        "apiVersion: ex.org/v1\nkind: Gadget\nmetadata: {name: g}\nspec:\n  size: 11\n  open: {x: 1}\n  more: 1\n"
    )
    code, out, _ = run("template", chart, "--validate-schema", "--report", "json")
    assert (code, rules(out)) == (0, [("unknown-kind", "g.yaml", 2)])
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                    "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"y": {}}},
                    "name": {"type": "string"},
                },
                "required": ["name"],
            }
        },
    }
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.ex.org"},
        "spec": {
            "group": "ex.org",
            "names": {"kind": "Gadget"},
            "versions": [{"name": "v1", "served": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    folder = chart / "crds" if place == "crds" else tmp_path / "definitions"
    folder.mkdir()
    (folder / "g.json").write_text(json.dumps(crd))
    flags = [] if place == "crds" else ["--crds", str(folder)]
    code, out, _ = run("template", chart, "--validate-schema", "--report", "json", *flags)
    assert (code, rules(out)) == (2, [("schema", "g.yaml", 4), ("schema", "g.yaml", 7)])


def test_values_that_do_nothing_are_told(chart: Path, run: Run, tmp_path: Path) -> None:
    (chart / "values.yaml").write_text("replicas: 2\ncontainers: []\nidle: 1\n")
    given = tmp_path / "my.yaml"
    given.write_text("# mine\nreplcas: 3\n")
    code, out, _ = run("template", chart, "-f", given, "--set", "nope=1", "--check-values", "--report", "json")
    assert code == 0
    found = json.loads(out)["findings"]
    assert [(f["rule"], f["subject"], f["line"], f["advice"]) for f in found] == [
        ("unknown-value", "nope", 0, ""),
        ("unknown-value", "replcas", 2, "did you mean replicas?"),
        ("unused-value", "idle", 3, ""),
    ]


@pytest.mark.parametrize(("word", "code", "severity"), [("error", 2, "error"), ("warn", 0, "warning")])
def test_keys_that_stand_twice(chart: Path, run: Run, word: str, code: int, severity: str) -> None:
    (chart / "values.yaml").write_text("replicas: 1\ncontainers: []\nreplicas: 2\n")
    (chart / "templates" / "c.yaml").write_text("kind: A\n{{/* twice */}}\na: 1\n{{ if true }}\na: 2\n{{ end }}\n")
    found = run("template", chart, "--duplicate-keys", word, "--report", "json")
    assert (found[0], rules(found[1])) == (code, [("duplicate-key", "c.yaml", 5), ("duplicate-key", "values.yaml", 3)])
    assert {f["severity"] for f in json.loads(found[1])["findings"]} == {severity}
    assert run("template", chart, "--duplicate-keys", "ignore")[0] == 0


def test_a_report_in_a_file_leaves_the_manifests_where_they_are(chart: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "r.sarif"
    code, out, _ = run("template", chart, "--report", f"sarif={file}")
    assert (code, out) == run("template", chart)[:2]
    assert json.loads(file.read_text())["version"] == "2.1.0"


def test_a_chart_that_fails_to_render_exits_with_1_and_is_reported(chart: Path, run: Run) -> None:
    (chart / "templates" / "bad.yaml").write_text("a: {{ .Values.x.y }}\n")
    code, out, err = run("template", chart, "--report", "json")
    assert (code, rules(out)) == (1, [("render", "bad.yaml", 1)])
    assert "nil pointer" in err
    code, out, _ = run("lint", chart, "--report", "json")
    assert code == 1
    assert ("render", "bad.yaml", 1) in rules(out)


def test_lint_says_what_helm_says_until_checks_are_asked_for(chart: Path, run: Run) -> None:
    plain = run("lint", chart)
    assert plain == run("lint", chart, program="helm")
    code, out, err = run("lint", chart, "--review", "--set", "containers={a}")
    assert code == 2
    assert out == plain[1]
    assert "[schema]" in err
    code, out, _ = run("lint", chart, "--report", "junit", "--set", "containers={a}")
    assert (code, out.partition("\n")[0]) == (2, '<?xml version="1.0" encoding="UTF-8"?>')


def test_an_unknown_report_is_refused(chart: Path, run: Run) -> None:
    code, _, err = run("template", chart, "--report", "html")
    assert (code, "must be text, json, junit or sarif" in err) == (1, True)


def test_lookup_finds_recorded_objects(chart: Path, run: Run, tmp_path: Path) -> None:
    (chart / "templates" / "d.yaml").write_text(
        'kind: A\none: {{ (lookup "v1" "Secret" "ns" "s").data.k }}\n'
        'all: {{ len (lookup "v1" "Secret" "" "").items }}\nnone: {{ lookup "v1" "Secret" "other" "s" | toJson }}\n'
    )
    objects = tmp_path / "objects.yaml"
    objects.write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ns}\ndata: {k: dg==}\n---\n"
        "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: t, namespace: ns}\n"
    )
    code, out, err = run("template", chart, "--lookup-file", objects)
    assert (code, err) == (0, "")
    assert out.endswith("kind: A\none: dg==\nall: 2\nnone: {}\n")
    code, _, err = run("template", chart, "--lookup-file", tmp_path / "absent")
    assert (code, "cannot read" in err) == (1, True)
