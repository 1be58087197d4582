"""What a check of a chart found: one shape for every rule, so that every report can tell all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Rule(StrEnum):
    """Names are stable: scripts and SARIF baselines hold on to them."""

    RENDER = "render"
    SCHEMA = "schema"
    UNKNOWN_KIND = "unknown-kind"
    REMOVED_API = "removed-api"
    DEPRECATED_API = "deprecated-api"
    UNKNOWN_VALUE = "unknown-value"
    UNUSED_VALUE = "unused-value"
    DUPLICATE_KEY = "duplicate-key"
    LINT = "lint"


EXPLAINED = {
    Rule.RENDER: "The chart could not be rendered.",
    Rule.SCHEMA: "An object breaks the schema of the target Kubernetes version.",
    Rule.UNKNOWN_KIND: "A kind that neither the target Kubernetes version nor a given CRD knows.",
    Rule.REMOVED_API: "An API version that the target Kubernetes version no longer serves.",
    Rule.DEPRECATED_API: "An API version that the target Kubernetes version still serves, and later ones will not.",
    Rule.UNKNOWN_VALUE: "A value was given that the chart does not know.",
    Rule.UNUSED_VALUE: "A default in values.yaml that no template reads.",
    Rule.DUPLICATE_KEY: "A key stands twice in one mapping; YAML keeps the last and drops the others.",
    Rule.LINT: "A rule of helm lint.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`file` is relative to the chart's folder's parent; `line` and `column` count from 1, 0 when unknown."""

    rule: Rule
    severity: Severity
    message: str
    file: str
    line: int = 0
    column: int = 0
    subject: str = ""
    """The object or the value it speaks of."""
    advice: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}" if self.column else f":{self.line}"
        subject = f"{self.subject}: " if self.subject else ""
        advice = f" ({self.advice})" if self.advice else ""
        return f"{place}: {self.severity}: {subject}{self.message}{advice} [{self.rule}]"
