"""`lint`: what is wrong with charts, and what could be better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyhelm.cli.chartflags import VALUES
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import boolean, text
from pyhelm.errors import PyhelmError

if TYPE_CHECKING:
    from pyhelm.actions.lint import LintOptions, LintResult

_FLAGS = (
    boolean("strict", "fail on lint warnings"),
    boolean("with-subcharts", "lint dependent charts"),
    boolean("quiet", "print only warnings and errors"),
    boolean("skip-schema-validation", "if set, disables JSON schema validation"),
    text("kube-version", "Kubernetes version used for capabilities and deprecation checks"),
    *VALUES,
)


def run(call: Call) -> None:
    from pyhelm.actions.lint import lint, with_subcharts
    from pyhelm.values.sources import merge_sources

    options = _options(call)
    paths = call.words
    if call["with-subcharts"]:
        paths = [*paths, *(below for path in paths for below in with_subcharts(path))]
    from pyhelm.cli.valueflags import reader, value_flags

    given = merge_sources(value_flags(call), reader(call))
    failed = notable = 0
    for path in paths:
        result = lint(path, _values(call, path, given), options)
        notable += result.notable
        failed += bool(result.errors)
        if result.notable or not call["quiet"]:
            _show(call, path, result)
    summary = f"{len(paths)} chart(s) linted, {failed} chart(s) failed"
    if failed:
        raise PyhelmError(summary)
    if notable or not call["quiet"]:
        call.out(summary)


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
