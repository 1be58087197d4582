"""What the get commands have in common: one release, by name and revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm.cli.command import Call
from pyhelm.cli.flags import number

if TYPE_CHECKING:
    from pyhelm.release.model import Release

REVISION = number("revision", "get the named release with revision")


def wanted_release(call: Call) -> Release:
    """The release the words and --revision name. Raises PyhelmError."""
    from pyhelm.actions.context import Context
    from pyhelm.actions.get import get_release
    from pyhelm.cli.connect import run_connected

    async def go(context: Context) -> Release:
        return await get_release(context, call.words[0], call["revision"])

    return run_connected(call, go)
