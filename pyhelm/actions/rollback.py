"""Rollback: an earlier revision is applied again, as a new revision. Nothing is rendered."""

from __future__ import annotations

from pyhelm.actions import waiting
from pyhelm.actions.build import build
from pyhelm.actions.context import Context
from pyhelm.actions.hooks import record, run_hooks
from pyhelm.actions.options import DryRun, RollbackOptions
from pyhelm.actions.ownership import stamped
from pyhelm.actions.reach import reachable
from pyhelm.actions.upgrade import server_side
from pyhelm.errors import KubeError, PyhelmError, ReleaseError
from pyhelm.kube.apply import Applied, ApplyOptions, delete, update
from pyhelm.kube.resources import Resource
from pyhelm.manifest.hooks import HookEvent, HookRun
from pyhelm.records import replace
from pyhelm.release.model import Info, Release, check_name
from pyhelm.release.status import Status


async def rollback(context: Context, name: str, options: RollbackOptions) -> Release:
    """Go back to `options.revision`. Raises PyhelmError; a dry run changes nothing."""
    await reachable(context)
    current, target = await _prepared(context, name, options)
    if options.dry_run is not DryRun.NONE:
        return target
    await context.releases.create(target, options.max_history)
    await _perform(context, current, target, options)
    await context.releases.update(target)
    return target


async def _prepared(context: Context, name: str, options: RollbackOptions) -> tuple[Release, Release]:
    try:
        check_name(name)
    except ReleaseError as error:
        raise ReleaseError(f"release name is invalid: {name}") from error
    if options.revision < 0:
        raise ReleaseError("invalid release revision")
    history = await context.releases.history(name)
    current = history[-1]
    revision = options.revision or current.version - 1
    earlier = next((r for r in history if r.version == revision), None)
    if earlier is None:
        raise ReleaseError(f"release has no {revision} version")
    ssa = server_side(options.server_side, earlier.apply_method)
    target = Release(
        name=name,
        namespace=current.namespace,
        version=current.version + 1,
        info=Info(
            first_deployed=current.info.first_deployed,
            last_deployed=context.stamp(),
            status=Status.PENDING_ROLLBACK,
            notes=earlier.info.notes,
            description=f"Rollback to {revision}",
        ),
        chart=earlier.chart,
        config=earlier.config,
        manifest=earlier.manifest,
        hooks=[replace(hook, last_run=HookRun()) for hook in earlier.hooks],
        labels=dict(earlier.labels),
        apply_method="ssa" if ssa else "csa",
    )
    return current, target


async def _perform(context: Context, current: Release, target: Release, options: RollbackOptions) -> None:
    ssa, wait = target.apply_method == "ssa", options.wait
    old, new = await _objects(context, current, target)
    if not options.no_hooks:
        await run_hooks(context, target, HookEvent.PRE_ROLLBACK.value, wait.timeout, server_side=ssa)
    apply = ApplyOptions(
        server_side=ssa,
        force_conflicts=options.force_conflicts,
        force_replace=options.force_replace,
        upgrade_managers=True,
    )
    applied = Applied()
    try:
        await update(context.kube, old, new, apply, applied)
    except PyhelmError as error:
        raise await _failed(context, current, target, applied, error, options) from error
    try:
        await waiting.ready(context, new, wait.strategy, wait.timeout, jobs=wait.jobs)
    except KubeError as error:
        target.moved(Status.FAILED, f'Release "{target.name}" failed: {error}')
        await record(context, target)
        raise ReleaseError(f"release {target.name} failed: {error}") from error
    if not options.no_hooks:
        await run_hooks(context, target, HookEvent.POST_ROLLBACK.value, wait.timeout, server_side=ssa)
    for other in await context.releases.deployed_all(target.name):
        other.info = replace(other.info, status=Status.SUPERSEDED)
        await record(context, other)
    target.moved(Status.DEPLOYED, target.info.description)


async def _objects(context: Context, current: Release, target: Release) -> tuple[list[Resource], list[Resource]]:
    try:
        old = await build(context, current.manifest, current.namespace, check=False, old=True)
    except PyhelmError as error:
        raise ReleaseError(f"unable to build kubernetes objects from current release manifest: {error}") from error
    try:
        new = await build(context, target.manifest, target.namespace, check=False)
    except PyhelmError as error:
        raise ReleaseError(f"unable to build kubernetes objects from new release manifest: {error}") from error
    return old, stamped(new, target.name, target.namespace)


async def _failed(
    context: Context,
    current: Release,
    target: Release,
    applied: Applied,
    error: PyhelmError,
    options: RollbackOptions,
) -> PyhelmError:
    text = f'Rollback "{target.name}" failed: {error}'
    context.reporter.log("WARN", text, {})
    current.info = replace(current.info, status=Status.SUPERSEDED)
    target.moved(Status.FAILED, text)
    await record(context, current)
    await record(context, target)
    if options.cleanup_on_fail and applied.created:
        errors = await delete(context.kube, applied.created)
        if errors:
            return ReleaseError(
                "an error occurred while cleaning up resources. original rollback error: "
                f"unable to cleanup resources: {', '.join(errors)}"
            )
    return error
