"""The flags of the CI render mode, which template and lint share: what is checked, and how findings are told.

Exit codes: 0 fine, 1 the chart could not be rendered, 2 findings of severity error.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pyhelm.cli.command import Call
from pyhelm.cli.flags import Flag, UsageError, array, boolean, text
from pyhelm.errors import ChartError, PyhelmError, ValuesError

if TYPE_CHECKING:
    from pyhelm.actions.review import GivenValues, ReviewOptions
    from pyhelm.engine.interface import Lookup
    from pyhelm.manifest.findings import Finding

FINDINGS = 2
"""The exit code where there are findings of severity error."""


def _duplicates(word: str) -> str:
    if word not in ("error", "warn", "ignore"):
        raise ValueError("must be error, warn or ignore")
    return word


def _report(word: str) -> str:
    if word.partition("=")[0] not in ("text", "json", "junit", "sarif"):
        raise ValueError("must be text, json, junit or sarif, and may be followed by =FILE")
    return word


REVIEW: tuple[Flag, ...] = (
    boolean("review", "make all checks below; exit with 2 where one finds an error"),
    boolean("validate-schema", "check objects against the schemas of --kube-version, of crds/ and of --crds"),
    boolean("check-apis", "tell API versions that --kube-version has deprecated or removed"),
    boolean("check-values", "tell given values the chart does not know, and defaults no template reads"),
    Flag(
        name="duplicate-keys",
        help="what keys that stand twice in one mapping are: error, warn or ignore",
        parse=_duplicates,
    ),
    array("crds", "a file or folder of CustomResourceDefinitions to check objects against (can be repeated)"),
    Flag(
        name="report",
        help="how findings are told: text, json, junit or sarif; FORMAT=FILE writes a file. Makes all checks "
        "where none is chosen",
        parse=_report,
    ),
    text("lookup-file", "a file of objects that lookup finds"),
)
STRICT = boolean("strict", "treat warnings of checks as errors")
_CHECKS = ("validate-schema", "check-apis", "check-values", "duplicate-keys")


def review_options(call: Call, folder: str = "") -> ReviewOptions | None:
    """What to check, None for nothing. Raises ChartError for CRDs that cannot be read."""
    chosen = [flag for flag in _CHECKS if call.given(flag)]
    if not (call["review"] or call["report"] or chosen):
        return None
    from pyhelm.actions.review import ReviewOptions
    from pyhelm.manifest.findings import Severity

    everything = bool(call["review"] or not chosen)
    severities = {"error": Severity.ERROR, "warn": Severity.WARNING, "ignore": None}
    keys = call["duplicate-keys"] or ("warn" if everything else "ignore")
    return ReviewOptions(
        schema=everything or call["validate-schema"],
        apis=everything or call["check-apis"],
        values=everything or call["check-values"],
        duplicate_keys=severities[keys],
        strict=call["strict"],
        crds=[found for path in call["crds"] for found in crd_files(path)],
        folder=folder if os.path.isdir(folder) else "",
    )


def crd_files(path: str) -> list[tuple[str, bytes]]:
    """(path, bytes) of a file, or of the YAML and JSON files of a folder. Raises ChartError."""
    top = Path(path)
    found = sorted(p for p in top.rglob("*") if p.suffix in (".yaml", ".yml", ".json")) if top.is_dir() else [top]
    try:
        return [(str(file), file.read_bytes()) for file in found]
    except OSError as error:
        raise ChartError(f"cannot read {error.filename}: {error.strerror}") from error


def given_values(call: Call) -> GivenValues:
    """Each source of the user's values by itself, for telling which of them holds what. Raises ValuesError."""
    from pyhelm.cli.valueflags import reader, value_flags
    from pyhelm.records import replace
    from pyhelm.values.sources import ValueFlags, merge_sources, parse_values_file

    flags = value_flags(call)
    found: list[tuple[str, bytes | None, dict[str, object]]] = []
    for path in flags.files:
        if path.strip() == "-":
            continue  # read once already
        try:
            data = reader(call)(path)
        except OSError as error:
            raise ValuesError(f"cannot read {path}: {error.strerror}") from error
        found.append((path, data, parse_values_file(data, path)))
    for field in ("set_json", "set", "set_string", "set_file", "set_literal"):
        if getattr(flags, field):
            alone = replace(ValueFlags(), **{field: getattr(flags, field)})
            found.append((f"--{field.replace('_', '-')}", None, merge_sources(alone, reader(call))))
    return found


def replaces_output(call: Call) -> bool:
    """Whether the report stands on standard output, where the manifests would be."""
    return bool(call["report"]) and "=" not in call["report"]


def tell(call: Call, findings: Sequence[Finding]) -> int:
    """Write the report where it is wanted: standard error without --report. The exit code."""
    from pyhelm.cli.reports import FORMATS
    from pyhelm.manifest.findings import Rule, Severity

    name, _, file = (call["report"] or "text").partition("=")
    document = FORMATS[name](findings)
    if file:
        try:
            Path(file).write_text(document, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write the report {file}: {error.strerror}") from error
    elif call["report"]:
        call.stdout.write(document)
    else:
        call.stderr.write(document)
    if any(f.rule is Rule.RENDER for f in findings):
        return 1
    return FINDINGS if any(f.severity is Severity.ERROR for f in findings) else 0


def failure(call: Call, error: PyhelmError, chart: str) -> Finding:
    """A chart that cannot be rendered, as a finding at the place where it fails."""
    from pyhelm.cli.failures import explanation
    from pyhelm.manifest.findings import Finding, Rule, Severity

    found = explanation(call, error)
    if found is None:
        return Finding(rule=Rule.RENDER, severity=Severity.ERROR, message=str(error), file=chart)
    story = found[1]
    return Finding(
        rule=Rule.RENDER,
        severity=Severity.ERROR,
        message="\n".join([story.message, *story.values]),
        file=story.file or chart,
        line=story.line,
        column=story.column,
        advice=story.hint,
    )


def recorded_lookup(call: Call) -> Lookup | None:
    """`lookup` over the objects of --lookup-file, None without one. Raises ChartError."""
    path = call["lookup-file"]
    if not path:
        return None
    from pyhelm.actions.lookup import recorded

    (_, data), *_ = crd_files(path) or [("", b"")]
    return recorded(data, path)
