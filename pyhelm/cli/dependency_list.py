"""`dependency list`: what a chart asks for, and how that stands in charts/."""

from __future__ import annotations

import os

from pyhelm.cli.command import Call, Command, max_args
from pyhelm.cli.dependencies import chart_path
from pyhelm.cli.flags import number
from pyhelm.errors import ChartError


def run(call: Call) -> None:
    from pyhelm.actions.dependencies import statuses, undeclared
    from pyhelm.cli.charts import load
    from pyhelm.cli.tables import table

    path = chart_path(call)
    if not os.path.exists(path):
        raise ChartError(f"stat {path}: no such file or directory")
    chart = load(call, path)
    if chart.metadata.get("dependencies") is None:
        call.out(f"WARNING: no dependencies at {path}/charts")
        return
    rows = [("NAME", "VERSION", "REPOSITORY", "STATUS"), *statuses(chart, path)]
    call.out(table(rows, call["max-col-width"]))
    call.out()
    for line in undeclared(chart, path):
        call.out(line)


COMMAND = Command(
    path="dependency list",
    use="CHART",
    short="list the dependencies for the given chart",
    flags=(number("max-col-width", "maximum column width for output table", 80),),
    args=max_args(1),
    run=run,
)
