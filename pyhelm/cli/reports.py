"""Findings as text, JSON, JUnit XML and SARIF 2.1.0. Each function makes one whole document as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pyhelm import __version__
from pyhelm.manifest.findings import EXPLAINED, Finding, Severity

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def text(findings: Sequence[Finding]) -> str:
    """One line a finding, and a line that counts them."""
    errors = sum(f.severity is Severity.ERROR for f in findings)
    warnings = sum(f.severity is Severity.WARNING for f in findings)
    lines = [str(finding) for finding in findings]
    return "\n".join([*lines, f"{errors} error(s), {warnings} warning(s)"]) + "\n"


def as_json(findings: Sequence[Finding]) -> str:
    listed = [
        {
            "rule": str(f.rule),
            "severity": str(f.severity),
            "message": f.message,
            "file": f.file,
            "line": f.line,
            "column": f.column,
            "subject": f.subject,
            "advice": f.advice,
        }
        for f in findings
    ]
    return json.dumps({"findings": listed}, indent=2) + "\n"


def junit(findings: Sequence[Finding]) -> str:
    """One test case a file: it fails when the file has errors; a chart without findings is one passing case."""
    files: dict[str, list[Finding]] = {}
    for finding in findings:
        files.setdefault(finding.file, []).append(finding)
    cases = [_case(file, found) for file, found in sorted(files.items())] or ['  <testcase name="chart"/>']
    failures = sum(any(f.severity is Severity.ERROR for f in found) for found in files.values())
    head = f'<testsuite name="pyhelm" tests="{len(cases)}" failures="{failures}" errors="0" skipped="0">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"]) + "\n"


def _case(file: str, findings: list[Finding]) -> str:
    errors = [str(f) for f in findings if f.severity is Severity.ERROR]
    others = [str(f) for f in findings if f.severity is not Severity.ERROR]
    inner = []
    if errors:
        message = quoteattr(f"{len(errors)} error(s)")
        inner.append(f"    <failure message={message}>{escape(chr(10).join(errors))}</failure>")
    if others:
        inner.append(f"    <system-out>{escape(chr(10).join(others))}</system-out>")
    return "\n".join([f"  <testcase name={quoteattr(file)}>", *inner, "  </testcase>"])


def sarif(findings: Sequence[Finding]) -> str:
    rules = sorted({finding.rule for finding in findings})
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "pyhelm",
                "version": __version__,
                "rules": [{"id": str(rule), "shortDescription": {"text": EXPLAINED[rule]}} for rule in rules],
            }
        },
        "results": [_result(finding) for finding in findings],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"version": "2.1.0", "$schema": schema, "runs": [run]}, indent=2) + "\n"


def _result(finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": finding.file}}
    if finding.line:
        place["region"] = {"startLine": finding.line, **({"startColumn": finding.column} if finding.column else {})}
    message = f"{finding.subject}: {finding.message}" if finding.subject else finding.message
    if finding.advice:
        message += f" ({finding.advice})"
    return {
        "ruleId": str(finding.rule),
        "level": LEVELS[finding.severity],
        "message": {"text": message},
        "locations": [{"physicalLocation": place}],
    }


FORMATS: dict[str, Callable[[Sequence[Finding]], str]] = {
    "text": text,
    "json": as_json,
    "junit": junit,
    "sarif": sarif,
}
"""Name of a report -> how it is written."""
