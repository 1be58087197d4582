"""`show values`: the chart's values.yaml, or a part of it."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import text
from pyhelm.cli.showing import FLAGS, shown_chart


def run(call: Call) -> None:
    chart = shown_chart(call)
    if call["jsonpath"]:
        from pyhelm.cli.jsonpath import find

        call.stdout.write(find(chart.values, call["jsonpath"]))
        return
    from pyhelm.actions.show import show_values

    call.stdout.write(show_values(chart))


COMMAND = Command(
    path="show values",
    use="[CHART]",
    short="show the chart's values",
    flags=(*FLAGS, text("jsonpath", "supply a JSONPath expression to filter the output")),
    args=exact_args(1),
    run=run,
)
