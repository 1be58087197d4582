"""`rollback`: back to an earlier revision."""

from __future__ import annotations

from pyhelm.cli.chartflags import DRY_RUN, WAIT
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import UsageError, boolean, exclusive, number, text

_FLAGS = (
    boolean("force-replace", "force resource updates by replacement"),
    boolean("force", "deprecated", deprecated="use --force-replace instead", alias_of="force-replace"),
    boolean("force-conflicts", "if set server-side apply will force changes against conflicts"),
    text("server-side", 'must be "true", "false" or "auto"', default="auto"),
    boolean("no-hooks", "prevent hooks from running during rollback"),
    boolean("cleanup-on-fail", "allow deletion of new resources created in this rollback when rollback fails"),
    number("history-max", "limit the maximum number of revisions saved per release. Use 0 for no limit", 10),
    *WAIT,
    DRY_RUN,
)


def run(call: Call) -> None:
    from pyhelm.actions.context import Context
    from pyhelm.actions.options import RollbackOptions
    from pyhelm.actions.rollback import rollback
    from pyhelm.cli.connect import run_connected
    from pyhelm.cli.requests import dry_run, wait_options

    exclusive(call.parsed, ("force-replace", "force-conflicts"))
    options = RollbackOptions(
        revision=_revision(call),
        server_side=call["server-side"],
        force_conflicts=call["force-conflicts"],
        force_replace=call["force-replace"],
        no_hooks=call["no-hooks"],
        cleanup_on_fail=call["cleanup-on-fail"],
        max_history=call["history-max"] if call.given("history-max") else call.settings.max_history,
        dry_run=dry_run(call),
        wait=wait_options(call),
    )

    async def go(context: Context) -> None:
        await rollback(context, call.words[0], options)

    run_connected(call, go)
    call.out("Rollback was a success! Happy Helming!")


def _revision(call: Call) -> int:
    if len(call.words) < 2:
        return 0
    try:
        return int(call.words[1])
    except ValueError:
        raise UsageError(
            f'could not convert revision to a number: strconv.Atoi: parsing "{call.words[1]}": invalid syntax'
        ) from None


COMMAND = Command(
    path="rollback",
    use="<RELEASE> [REVISION]",
    short="roll back a release to a previous revision",
    flags=_FLAGS,
    args=min_args(1),
    run=run,
)
