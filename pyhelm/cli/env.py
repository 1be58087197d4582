"""`env`: the environment as this program sees it."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, max_args
from pyhelm.cli.settings import environment


def run(call: Call) -> None:
    shown = environment(call.settings, call.environ)
    if call.words:
        call.out(shown.get(call.words[0], ""))
        return
    for name in sorted(shown):
        call.out(f'{name}="{shown[name]}"')


COMMAND = Command(path="env", short="helm client environment information", args=max_args(1), run=run)
