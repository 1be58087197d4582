"""`dependency update`: update charts/ based on the contents of Chart.yaml."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, max_args
from pyhelm.cli.dependencies import FLAGS, work_of


def run(call: Call) -> None:
    from pyhelm.actions.dependencies import update

    update(work_of(call))


COMMAND = Command(
    path="dependency update",
    use="CHART",
    short="update charts/ based on the contents of Chart.yaml",
    flags=FLAGS,
    args=max_args(1),
    run=run,
)
