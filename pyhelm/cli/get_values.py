"""`get values`: what the user gave, or all that the templates saw."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import boolean
from pyhelm.cli.getting import REVISION, wanted_release
from pyhelm.cli.output import OUTPUT, write


def run(call: Call) -> None:
    from pyhelm.actions.get import values_of
    from pyhelm.release.wire import yaml_text

    values = values_of(wanted_release(call), everything=call["all"])
    head = "COMPUTED VALUES:" if call["all"] else "USER-SUPPLIED VALUES:"
    # No values at all are null for Helm, not an empty map.
    data = values or (None if not call["all"] else {})
    write(call, data, lambda: f"{head}\n{yaml_text(data)}")


COMMAND = Command(
    path="get values",
    use="RELEASE_NAME",
    short="download the values file for a named release",
    flags=(REVISION, boolean("all", "dump all (computed) values", "a"), OUTPUT),
    args=exact_args(1),
    run=run,
)
