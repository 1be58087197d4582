"""`lint`: what is wrong with charts, and what could be better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyhelm.cli.chartflags import VALUES
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import boolean, text
from pyhelm.cli.reviewflags import REVIEW, failure, given_values, recorded_lookup, replaces_output, review_options, tell
from pyhelm.errors import PyhelmError

if TYPE_CHECKING:
    from pyhelm.actions.lint import LintOptions, LintResult
    from pyhelm.manifest.findings import Finding

_FLAGS = (
    boolean("strict", "fail on lint warnings"),
    boolean("with-subcharts", "lint dependent charts"),
    boolean("quiet", "print only warnings and errors"),
    boolean("skip-schema-validation", "if set, disables JSON schema validation"),
    text("kube-version", "Kubernetes version used for capabilities and deprecation checks"),
    *VALUES,
    *REVIEW,
)


def run(call: Call) -> int:
    from pyhelm.actions.lint import lint, with_subcharts
    from pyhelm.values.sources import merge_sources

    options = _options(call)
    paths = call.words
    if call["with-subcharts"]:
        paths = [*paths, *(below for path in paths for below in with_subcharts(path))]
    from pyhelm.cli.valueflags import reader, value_flags

    given = merge_sources(value_flags(call), reader(call))
    failed = notable = 0
    findings: list[Finding] = []
    checked = review_options(call) is not None
    for path in paths:
        values = _values(call, path, given)
        result = lint(path, values, options)
        if checked:
            findings += [*_as_findings(path, result), *_reviewed(call, path, values)]
        if replaces_output(call):
            continue
        notable += result.notable
        failed += bool(result.errors)
        if result.notable or not call["quiet"]:
            _show(call, path, result)
    code = tell(call, findings) if checked else 0
    if replaces_output(call):
        return code
    summary = f"{len(paths)} chart(s) linted, {failed} chart(s) failed"
    if code:
        call.out(summary)
        return code
    if failed:
        raise PyhelmError(summary)
    if notable or not call["quiet"]:
        call.out(summary)
    return 0


def _as_findings(path: str, result: LintResult) -> list[Finding]:
    """Helm's rules as findings, without what is merely information."""
    from pyhelm.manifest.findings import Finding, Rule, Severity

    found = [
        Finding(
            rule=Rule.LINT,
            severity=Severity.ERROR if message.text in result.errors else Severity.WARNING,
            message=message.text.strip(),
            file=f"{path.rstrip('/')}/{message.path}".rstrip("/"),
        )
        for message in result.messages
        if message.severity > 1
    ]
    said = {message.text for message in result.messages}
    others = [error for error in result.errors if error not in said]
    return found + [Finding(rule=Rule.LINT, severity=Severity.ERROR, message=e, file=path) for e in others]


def _reviewed(call: Call, path: str, values: dict[str, Any]) -> list[Finding]:
    """The findings of the checks; where the chart cannot be rendered, that."""
    from pyhelm.actions.render import Rendering, prepare, render
    from pyhelm.actions.review import ReviewOptions, review
    from pyhelm.cli.charts import load
    from pyhelm.engine.capabilities import capabilities
    from pyhelm.engine.interface import EngineOptions, ReleaseInfo

    try:
        chart = load(call, path)
        if chart.is_library:
            return []
        rendering = Rendering(
            chart=prepare(chart, values),
            values=values,
            release=ReleaseInfo(name="test-release", namespace=call.settings.namespace_or_default),
            capabilities=capabilities(call["kube-version"]),
            engine=EngineOptions(lint=True, lookup=recorded_lookup(call)),
        )
        checks = review_options(call, path) or ReviewOptions()
        return review(rendering, render(rendering), given_values(call), checks)
    except PyhelmError as error:
        return [failure(call, error, path)]


def _options(call: Call) -> LintOptions:
    from pyhelm.actions.lint import LintOptions
    from pyhelm.cli.logging import logger
    from pyhelm.engine.capabilities import capabilities

    return LintOptions(
        capabilities=capabilities(call["kube-version"]),
        namespace=call.settings.namespace_or_default,
        strict=call["strict"],
        skip_schema_validation=call["skip-schema-validation"],
        log=logger(call),
    )


def _values(call: Call, path: str, given: dict[str, Any]) -> dict[str, Any]:
    """The user's values, over the environment's of that chart."""
    if not call["env"]:
        return given
    from pyhelm.cli.charts import load
    from pyhelm.cli.valueflags import with_environment

    return with_environment(call, load(call, path), call["env"], given)


def _show(call: Call, path: str, result: LintResult) -> None:
    call.out(f"==> Linting {path}")
    if not result.messages:
        for error in result.errors:
            call.out(f"Error {error}")
    for message in result.messages:
        if not call["quiet"] or message.severity > 1:
            call.out(str(message))
    call.out()


COMMAND = Command(
    path="lint", use="PATH", short="examine a chart for possible issues", flags=_FLAGS, args=min_args(1), run=run
)
