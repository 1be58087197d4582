"""`dependency build`: rebuild the charts/ directory based on the Chart.lock file."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, max_args
from pyhelm.cli.dependencies import FLAGS, work_of


def run(call: Call) -> None:
    from pyhelm.actions.dependencies import build

    build(work_of(call))


COMMAND = Command(
    path="dependency build",
    use="CHART",
    short="rebuild the charts/ directory based on the Chart.lock file",
    flags=FLAGS,
    args=max_args(1),
    run=run,
)
