"""`create`: a new chart to begin with."""

from __future__ import annotations

import os

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import text


def run(call: Call) -> None:
    from pyhelm.chart.create import create_chart

    path = call.words[0]
    call.out(f"Creating {path}")
    folder, name = os.path.split(path)
    starter = call["starter"]
    if starter and not os.path.isabs(starter):
        starter = str(call.settings.data_home / "starters" / starter)
    create_chart(name, folder or ".", starter=starter, engine=call["engine"])


COMMAND = Command(
    path="create",
    use="NAME",
    short="create a new chart with the given name",
    flags=(
        text("starter", "the name or absolute path to Helm starter scaffold", "p"),
        text("engine", "template language of the new chart: jinja2 or gotpl", default="jinja2"),
    ),
    args=exact_args(1),
    run=run,
)
