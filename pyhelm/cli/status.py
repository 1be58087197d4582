"""`status`: how a release is, and its objects in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.getting import REVISION
from pyhelm.cli.output import OUTPUT

if TYPE_CHECKING:
    from pyhelm.release.model import Release


def run(call: Call) -> None:
    from pyhelm.actions.context import Context
    from pyhelm.actions.status import status
    from pyhelm.cli.connect import run_connected
    from pyhelm.cli.releases import show_release

    async def go(context: Context) -> Release:
        return await status(context, call.words[0], call["revision"], tables=call["output"] == "table")

    show_release(call, run_connected(call, go))


COMMAND = Command(
    path="status",
    use="RELEASE_NAME",
    short="display the status of the named release",
    flags=(REVISION, OUTPUT),
    args=exact_args(1),
    run=run,
)
