"""What `lint` says, rule by rule, over charts in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyhelm.actions.lint import LintOptions, lint, with_subcharts
from pyhelm.engine.capabilities import capabilities

CHART = "apiVersion: v2\nname: gold\nversion: 1.2.3\nicon: https://example.org/i.png\n"
GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ok\n"


def _lint(folder: Path, files: dict[str, str], *, kube: str = "", strict: bool = False) -> list[str]:
    for name, text in {"Chart.yaml": CHART, "values.yaml": "{}\n", "templates/a.yaml": GOOD, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = lint(str(folder), {}, LintOptions(capabilities=capabilities(kube), strict=strict))
    return [str(message) for message in found.messages]


def test_a_clean_chart_says_nothing(tmp_path: Path) -> None:
    assert _lint(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("Chart.yaml", CHART + "strange: 1\n", "[WARNING] Chart.yaml: failed to strictly parse chart metadata file"),
        ("Chart.yaml", CHART.replace("1.2.3", "1.2"), "[WARNING] Chart.yaml: version '1.2' is not a valid SemVerV2"),
        ("Chart.yaml", CHART.replace("https://example.org/i.png", "not a url"), "[ERROR] Chart.yaml: invalid icon URL"),
        ("values.yaml", "- 1\n", "[ERROR] values.yaml: unable to parse YAML: error unmarshaling JSON"),
        ("templates/a.yaml", "{{ if }}", "[ERROR] templates/: parse error at"),
        ("templates/a.yaml", "  a: 1\n", "[WARNING] templates/a.yaml: document starts with an illegal indent"),
        ("templates/a.json", "{}", "[ERROR] templates/a.json: file extension '.json' not valid."),
        (
            "templates/a.yaml",
            GOOD.replace("ok", "Bad_Name"),
            "[WARNING] templates/a.yaml: object name does not conform",
        ),
        ("templates/a.yaml", "a: [", "[ERROR] templates/a.yaml: unable to parse YAML"),
        (
            "templates/a.yaml",
            GOOD.replace("v1\nkind: ConfigMap", "apps/v1\nkind: Deployment"),
            "a Deployment must contain",
        ),
        ("crds/c.yaml", GOOD, "[ERROR] crds/c.yaml: object kind is not 'CustomResourceDefinition'"),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n", "chart metadata is missing these"),
    ],
)
def test_a_fault_is_said(file: str, text: str, said: str, tmp_path: Path) -> None:
    assert any(said in line for line in _lint(tmp_path, {file: text}))


def test_a_deprecated_version_depends_on_the_cluster(tmp_path: Path) -> None:
    old = {"templates/a.yaml": "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: c}\n"}
    assert _lint(tmp_path, old, kube="1.20") == []
    expected = "batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob"
    assert _lint(tmp_path, old, kube="1.30") == [f"[WARNING] templates/a.yaml: {expected}"]


def test_required_and_fail_are_only_logged(tmp_path: Path) -> None:
    logged: list[tuple[str, str]] = []
    text = GOOD + 'data:\n  x: {{ required "must" .Values.x | quote }}{{ fail "no" }}\n'
    _lint(tmp_path, {"templates/a.yaml": text})
    options = LintOptions(capabilities=capabilities(), log=lambda level, line, _: logged.append((level, line)))
    assert lint(str(tmp_path), {}, options).messages == []
    assert logged == [("WARN", "missing required value"), ("INFO", "funcMap fail")]


def test_warnings_fail_a_strict_run(tmp_path: Path) -> None:
    _lint(tmp_path, {"Chart.yaml": CHART.replace("1.2.3", "v1.2.3")})
    loose = lint(str(tmp_path), {}, LintOptions(capabilities=capabilities()))
    strict = lint(str(tmp_path), {}, LintOptions(capabilities=capabilities(), strict=True))
    assert (len(loose.errors), len(strict.errors)) == (0, 1)


def test_charts_below_charts_are_found(tmp_path: Path) -> None:
    _lint(tmp_path, {"charts/b/Chart.yaml": CHART, "charts/a/Chart.yaml": CHART, "charts/c.tgz": ""})
    assert [Path(path).name for path in with_subcharts(str(tmp_path))] == ["c.tgz", "a", "b"]
