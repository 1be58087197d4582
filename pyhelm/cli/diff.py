"""`diff`: what an upgrade would change, object by object. Not a command of Helm; pyhelm has it built in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyhelm.cli.chartflags import CHART_PATH, DEVEL, VALUES
from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import boolean, number

if TYPE_CHECKING:
    from pyhelm.manifest.diff import Change

_FLAGS = (
    DEVEL,
    boolean("reset-values", "reset the values to the ones built into the chart"),
    boolean("reuse-values", "reuse the last release's values and merge in any overrides"),
    boolean("reset-then-reuse-values", "reset the values to the ones of the chart, then apply the last release's"),
    boolean("skip-schema-validation", "if set, disables JSON schema validation"),
    boolean("dependency-update", "update dependencies if they are missing"),
    boolean("detailed-exitcode", "return 2 where there are changes"),
    number("context", "lines of context around changes", 3, "C"),
    *VALUES,
    *CHART_PATH,
)


def run(call: Call) -> int:
    from pyhelm.actions.context import Context
    from pyhelm.actions.diff import diff_upgrade
    from pyhelm.actions.options import UpgradeOptions
    from pyhelm.cli.charts import requested_chart
    from pyhelm.cli.connect import run_connected
    from pyhelm.cli.requests import render_options
    from pyhelm.cli.valueflags import user_values

    name, reference = call.words
    chart, values = user_values(call, lambda: requested_chart(call, reference))
    options = UpgradeOptions(
        reset_values=call["reset-values"],
        reuse_values=call["reuse-values"],
        reset_then_reuse_values=call["reset-then-reuse-values"],
        render=render_options(call),
    )

    async def go(context: Context) -> Any:
        return await diff_upgrade(context, name, chart, values, options, call["context"])

    changes: list[Change] = run_connected(call, go)
    for change in changes:
        _show(call, change)
    return 2 if changes and call["detailed-exitcode"] else 0


_WORDS = {"add": "has been added", "change": "has changed", "remove": "has been removed"}


def _show(call: Call, change: Change) -> None:
    place = f"{change.namespace}, " if change.namespace else ""
    call.out(f"{place}{change.name}, {change.kind} {_WORDS[change.verb]}:")
    for line in change.lines:
        call.out(f"  {line}")
    call.out()


COMMAND = Command(
    path="diff",
    use="[RELEASE] [CHART]",
    short="show what an upgrade would change",
    flags=_FLAGS,
    args=exact_args(2),
    run=run,
)
