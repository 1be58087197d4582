"""Waiting as a command asked for it: which strategy, how long, and the explanation when it fails."""

from __future__ import annotations

from collections.abc import Sequence

from pyhelm.actions.context import Context, no_progress
from pyhelm.actions.options import Strategy
from pyhelm.errors import KubeError
from pyhelm.kube.explain import explain
from pyhelm.kube.resources import Resource
from pyhelm.kube.wait import NotReadyError, wait_deleted, wait_hook, wait_ready


async def ready(
    context: Context, resources: Sequence[Resource], strategy: Strategy, timeout: float, *, jobs: bool
) -> None:
    """Until resources are ready, unless only hooks are waited for. Raises KubeError and reports why."""
    if strategy is Strategy.HOOK_ONLY:
        return
    try:
        await wait_ready(
            context.kube,
            resources,
            timeout,
            context.reporter.progress,
            jobs=jobs,
            legacy=strategy is Strategy.LEGACY,
        )
    except NotReadyError as error:
        await tell_why(context, error)
        raise


async def hook_done(context: Context, resources: Sequence[Resource], timeout: float) -> None:
    """Until a hook has run. Raises KubeError and reports why."""
    try:
        await wait_hook(context.kube, resources, timeout, context.reporter.progress)
    except NotReadyError as error:
        await tell_why(context, error)
        raise


async def gone(context: Context, resources: Sequence[Resource], timeout: float, *, quiet: bool = False) -> None:
    """Until nothing of it is there; `quiet` shows no progress."""
    report = no_progress if quiet else context.reporter.progress
    await wait_deleted(context.kube, resources, timeout, report)


async def tell_why(context: Context, error: NotReadyError) -> None:
    """Report events and log lines of what was not ready."""
    try:
        for line in await explain(context.kube, error.stuck):
            context.reporter.lines(line)
    except KubeError:
        return  # the reason of the failure is on its way to the user; the explanation is extra
