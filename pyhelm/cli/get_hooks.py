"""`get hooks`: the hooks of a release."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.getting import REVISION, wanted_release


def run(call: Call) -> None:
    for hook in wanted_release(call).hooks:
        call.out(f"---\n# Source: {hook.path}\n{hook.manifest}")


COMMAND = Command(
    path="get hooks",
    use="RELEASE_NAME",
    short="download all hooks for a named release",
    flags=(REVISION,),
    args=exact_args(1),
    run=run,
)
