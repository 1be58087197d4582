"""`lint`: look for faults in charts."""

from __future__ import annotations

from pyhelm.cli.chartflags import VALUES
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import boolean, text
from pyhelm.errors import PyhelmError

_FLAGS = (
    boolean("strict", "fail on lint warnings"),
    boolean("with-subcharts", "lint dependent charts"),
    boolean("quiet", "print only warnings and errors"),
    boolean("skip-schema-validation", "if set, disables JSON schema validation"),
    text("kube-version", "Kubernetes version used for capabilities and deprecation checks"),
    *VALUES,
)


def run(call: Call) -> None:
    from pyhelm.actions.lint import LintOptions, with_subcharts
    from pyhelm.cli.logging import logger
    from pyhelm.cli.valueflags import reader, value_flags
    from pyhelm.engine.capabilities import capabilities
    from pyhelm.values.sources import merge_sources

    options = LintOptions(
        capabilities=capabilities(call["kube-version"]),
        namespace=call.settings.namespace_or_default,
        strict=call["strict"],
        skip_schema_validation=call["skip-schema-validation"],
        log=logger(call),
    )
    paths = list(call.words)
    if call["with-subcharts"]:
        paths += [below for path in call.words for below in with_subcharts(path)]
    values = merge_sources(value_flags(call), reader(call))
    outcomes = [_one(call, path, values, options) for path in paths]
    failed, noted = sum(failed for failed, _ in outcomes), any(notable for _, notable in outcomes)
    summary = f"{len(paths)} chart(s) linted, {failed} chart(s) failed"
    if failed:
        raise PyhelmError(summary)
    if not call["quiet"] or noted:
        call.out(summary)


def _one(call: Call, path: str, given: dict[str, object], options: object) -> tuple[bool, bool]:
    """Lints and prints one chart; whether it failed, and whether there was more than information."""
    from pyhelm.actions.lint import LintOptions, lint
    from pyhelm.chart.lint import Severity

    assert isinstance(options, LintOptions)
    result = lint(path, _values(call, path, given), options)
    if call["quiet"] and not result.notable:
        return False, False
    call.out(f"==> Linting {path}")
    for error in result.errors if not result.messages else ():
        call.out(f"Error {error}")
    for message in result.messages:
        if not call["quiet"] or message.severity > Severity.INFO:
            call.out(str(message))
    call.out()
    return bool(result.errors), result.notable


def _values(call: Call, path: str, given: dict[str, object]) -> dict[str, object]:
    """The user's values, over those of `--env` of this chart."""
    name = str(call.parsed.values.get("env") or "")
    if not name:
        return given
    from pyhelm.cli.charts import load
    from pyhelm.cli.valueflags import with_environment

    return with_environment(call, load(call, path), name, given)


COMMAND = Command(
    path="lint", use="PATH", short="examine a chart for possible issues", flags=_FLAGS, args=min_args(1), run=run
)
