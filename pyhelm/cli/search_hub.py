"""`search hub` would ask a public service; pyhelm works without one and says so."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, any_args
from pyhelm.cli.flags import boolean, number, text
from pyhelm.cli.output import OUTPUT
from pyhelm.errors import RepoError


def run(call: Call) -> None:
    raise RepoError("search hub is not supported: pyhelm asks no public service; use `search repo`")


COMMAND = Command(
    path="search hub",
    use="[KEYWORD]",
    short="search for charts in the Artifact Hub (not supported)",
    flags=(
        text("endpoint", "Hub instance to query for charts"),
        number("max-col-width", "maximum column width for output table", 50),
        boolean("list-repo-url", "print charts repository URL"),
        boolean("fail-on-no-result", "search fails if no results are found"),
        OUTPUT,
    ),
    args=any_args,
    run=run,
)
