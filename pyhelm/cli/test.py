"""`test`: run the tests of a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import array, boolean, duration
from pyhelm.errors import PyhelmError

if TYPE_CHECKING:
    from pyhelm.actions.context import Context
    from pyhelm.actions.test import TestOptions
    from pyhelm.release.model import Release

_FLAGS = (
    duration("timeout", "time to wait for any individual Kubernetes operation (like Jobs for hooks)", 300.0),
    boolean("logs", "dump the logs from test pods (this runs after all tests are complete, but before any cleanup)"),
    array("filter", 'specify tests by attribute (currently "name") using attribute=value syntax or "!attribute=value"'),
)


def run(call: Call) -> None:
    from pyhelm.actions.test import run_tests
    from pyhelm.cli.connect import run_connected
    from pyhelm.cli.releases import status_block

    options = _options(call)

    async def go(context: Context) -> tuple[Release, PyhelmError | None]:
        return await run_tests(context, call.words[0], options)

    release, failure = run_connected(call, go)
    call.stdout.write(status_block(release, debug=call.settings.debug))
    if failure is not None:
        raise failure


def _options(call: Call) -> TestOptions:
    from pyhelm.actions.test import TestOptions

    only: list[str] = []
    never: list[str] = []
    for word in call["filter"]:
        name, _, value = word.partition("=")
        (never if name.startswith("!") else only).append(value)
    return TestOptions(timeout=call["timeout"], logs=call["logs"], only=tuple(only), never=tuple(never))


COMMAND = Command(
    path="test", use="[RELEASE]", short="run tests for a release", flags=_FLAGS, args=exact_args(1), run=run
)
