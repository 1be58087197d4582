"""Reports say every finding in the shape their readers expect."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from pyhelm.cli.reports import FORMATS
from pyhelm.manifest.findings import Finding, Rule, Severity

FOUND = [
    Finding(
        rule=Rule.SCHEMA, severity=Severity.ERROR, message="a < b & c", file="c/templates/a.yaml", line=3, column=5
    ),
    Finding(rule=Rule.UNUSED_VALUE, severity=Severity.WARNING, message="never read", file="c/values.yaml", subject="x"),
]


def test_text_has_a_line_each_and_a_count() -> None:
    lines = FORMATS["text"](FOUND).splitlines()
    assert lines[0] == "c/templates/a.yaml:3:5: error: a < b & c [schema]"
    assert lines[-1] == "1 error(s), 1 warning(s)"


def test_json_keeps_every_field() -> None:
    listed = json.loads(FORMATS["json"](FOUND))["findings"]
    assert [(f["rule"], f["severity"], f["line"]) for f in listed] == [
        ("schema", "error", 3),
        ("unused-value", "warning", 0),
    ]


def test_junit_fails_the_files_with_errors_alone() -> None:
    suite = ElementTree.fromstring(FORMATS["junit"](FOUND))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.find("failure") is not None for case in suite] == [True, False]
    assert ElementTree.fromstring(FORMATS["junit"]([])).get("failures") == "0"


def test_sarif_names_rules_and_places() -> None:
    run = json.loads(FORMATS["sarif"](FOUND))["runs"][0]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"schema", "unused-value"}
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 5}
    assert run["results"][1]["level"] == "warning"
