"""Test: the test hooks of a release run, and how they ended is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from pyhelm.actions.context import Context
from pyhelm.actions.hooks import hook_logs, record, run_hooks
from pyhelm.actions.options import MINUTES_5
from pyhelm.actions.reach import reachable
from pyhelm.errors import PyhelmError, ReleaseError
from pyhelm.manifest.hooks import HookEvent
from pyhelm.release.model import Release, check_name


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOptions:
    """Options of `test`; `only` and `never` are names of hooks."""

    __test__ = False

    timeout: float = MINUTES_5
    logs: bool = False
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


async def run_tests(context: Context, name: str, options: TestOptions) -> tuple[Release, PyhelmError | None]:
    """The release after its tests, and the error of the one that failed. Raises ReleaseError for a bad name."""
    await reachable(context)
    try:
        check_name(name)
    except ReleaseError as error:
        raise ReleaseError(f"releaseTest: Release name is invalid: {name}") from error
    release = await context.releases.last(name)
    every = release.hooks
    release.hooks = [hook for hook in every if _wanted(hook.name, options)]
    failure: PyhelmError | None = None
    try:
        await run_hooks(context, release, HookEvent.TEST.value, options.timeout, server_side=True)
    except PyhelmError as error:
        failure = error
    if options.logs:
        for hook in release.hooks_for(HookEvent.TEST.value):
            context.reporter.lines(f"POD LOGS: {hook.name}")
            await hook_logs(context, release, hook)
    release.hooks = every
    await record(context, release)
    return release, failure


def _wanted(name: str, options: TestOptions) -> bool:
    return name not in options.never and (not options.only or name in options.only)
