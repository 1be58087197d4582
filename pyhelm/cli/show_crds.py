"""`show crds`: show the chart's CRDs."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.showing import FLAGS, shown_chart


def run(call: Call) -> None:
    from pyhelm.actions.show import show_crds

    call.stdout.write(show_crds(shown_chart(call)))


COMMAND = Command(
    path="show crds", use="[CHART]", short="show the chart's CRDs", flags=FLAGS, args=exact_args(1), run=run
)
