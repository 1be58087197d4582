"""`uninstall`: what releases made is deleted, and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm.cli.chartflags import WAIT
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import UsageError, boolean, text

if TYPE_CHECKING:
    from pyhelm.actions.uninstall import Uninstalled

_FLAGS = (
    boolean("dry-run", "simulate a uninstall"),
    boolean("no-hooks", "prevent hooks from running during uninstallation"),
    boolean("ignore-not-found", 'treat "release not found" as a successful uninstall'),
    boolean("keep-history", "remove all associated resources and mark the release as deleted, but retain the history"),
    text("cascade", 'must be "background", "orphan", or "foreground"', default="background"),
    text("description", "add a custom description"),
    *(flag for flag in WAIT if flag.name != "wait-for-jobs"),
)


def run(call: Call) -> None:
    from pyhelm.actions.context import Context
    from pyhelm.actions.options import UninstallOptions
    from pyhelm.actions.uninstall import uninstall
    from pyhelm.cli.connect import run_connected
    from pyhelm.cli.requests import wait_options

    if call["cascade"] not in ("background", "orphan", "foreground"):
        raise UsageError(
            f'invalid cascade value ({call["cascade"]}). Must be "background", "foreground", or "orphan"'
        )
    options = UninstallOptions(
        dry_run=call["dry-run"],
        no_hooks=call["no-hooks"],
        ignore_not_found=call["ignore-not-found"],
        keep_history=call["keep-history"],
        cascade=call["cascade"],
        description=call["description"],
        wait=wait_options(call),
    )

    async def go(context: Context) -> None:
        for name in call.words:
            _tell(call, name, await uninstall(context, name, options))

    run_connected(call, go)


def _tell(call: Call, name: str, gone: Uninstalled) -> None:
    if gone.kept:
        call.out("These resources were kept due to the resource policy:")
        for line in gone.kept:
            call.out(line)
        call.out()
    call.out(f'release "{name}" uninstalled')


COMMAND = Command(
    path="uninstall", use="RELEASE_NAME [...]", short="uninstall a release", flags=_FLAGS, args=min_args(1), run=run
)
