"""`show all`: show all information of the chart."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.showing import FLAGS, shown_chart


def run(call: Call) -> None:
    from pyhelm.actions.show import show_all

    call.stdout.write(show_all(shown_chart(call)))


COMMAND = Command(
    path="show all", use="[CHART]", short="show all information of the chart", flags=FLAGS, args=exact_args(1), run=run
)
