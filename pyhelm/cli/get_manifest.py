"""`get manifest`: what was sent."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.getting import REVISION, wanted_release


def run(call: Call) -> None:
    call.out(wanted_release(call).manifest)


COMMAND = Command(
    path="get manifest",
    use="RELEASE_NAME",
    short="download the manifest for a named release",
    flags=(REVISION,),
    args=exact_args(1),
    run=run,
)
