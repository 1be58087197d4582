"""`show chart`: show the chart's definition."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.showing import FLAGS, shown_chart


def run(call: Call) -> None:
    from pyhelm.actions.show import show_chart

    call.stdout.write(show_chart(shown_chart(call)))


COMMAND = Command(
    path="show chart", use="[CHART]", short="show the chart's definition", flags=FLAGS, args=exact_args(1), run=run
)
