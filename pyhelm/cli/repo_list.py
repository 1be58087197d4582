"""`repo list`: the repositories by name."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, no_args
from pyhelm.cli.flags import boolean
from pyhelm.cli.output import OUTPUT, write


def run(call: Call) -> None:
    from pyhelm.cli.tables import table
    from pyhelm.release.wire import Struct
    from pyhelm.repo.config import read_repositories

    known = read_repositories(call.settings.repository_config).repositories
    if not known and call["output"] == "table":
        call.err("no repositories to show")
        return
    head = [] if call["no-headers"] else [("NAME", "URL")]
    rows = [*head, *((r.name, r.url) for r in known)]
    write(call, [Struct({"name": r.name, "url": r.url}) for r in known], lambda: table(rows, 80) + "\n")


COMMAND = Command(
    path="repo list",
    short="list chart repositories",
    flags=(boolean("no-headers", "suppress headers in the output"), OUTPUT),
    args=no_args,
    run=run,
)
