"""`cluster …`: the bundled cluster's own command line, mounted here and imported when it is called."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, any_args


def run(call: Call) -> int:
    from cluster.cli.main import run as run_cluster

    return int(run_cluster(call.words) or 0)


COMMAND = Command(
    path="cluster",
    use="COMMAND",
    short="start, stop and look at the bundled cluster",
    args=any_args,
    run=run,
    passes_flags=True,
)
