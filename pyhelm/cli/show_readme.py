"""`show readme`: show the chart's README."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.showing import FLAGS, shown_chart


def run(call: Call) -> None:
    from pyhelm.actions.show import show_readme

    call.stdout.write(show_readme(shown_chart(call)))


COMMAND = Command(
    path="show readme", use="[CHART]", short="show the chart's README", flags=FLAGS, args=exact_args(1), run=run
)
