"""`get notes`: what the chart had to say."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.getting import REVISION, wanted_release


def run(call: Call) -> None:
    notes = wanted_release(call).info.notes
    if notes:
        call.out(f"NOTES:\n{notes}")


COMMAND = Command(
    path="get notes",
    use="RELEASE_NAME",
    short="download the notes for a named release",
    flags=(REVISION,),
    args=exact_args(1),
    run=run,
)
