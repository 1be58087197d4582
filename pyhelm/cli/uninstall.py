"""`uninstall`: what releases made is deleted, and their history."""

from __future__ import annotations

from pyhelm.cli.chartflags import WAIT
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import UsageError, boolean, text

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
    from pyhelm.actions.uninstall import Uninstalled, uninstall
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

    async def go(context: Context) -> list[Uninstalled]:
        return [await _one(call, context, name, options) for name in call.words]

    run_connected(call, go)


async def _one(call: Call, context: object, name: str, options: object) -> object:
    from pyhelm.actions.uninstall import uninstall

    gone = await uninstall(context, name, options)  # type: ignore[arg-type]
    if gone.kept:
        call.out("These resources were kept due to the resource policy:")
        for line in gone.kept:
            call.out(line)
        call.out()
    call.out(f'release "{name}" uninstalled')
    return gone


COMMAND = Command(
    path="uninstall", use="RELEASE_NAME [...]", short="uninstall a release", flags=_FLAGS, args=min_args(1), run=run
)
