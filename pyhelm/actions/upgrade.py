"""Upgrade: a release moves to another chart or other values, as a new revision."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pyhelm.actions import waiting
from pyhelm.actions.build import build
from pyhelm.actions.capabilities import server_capabilities
from pyhelm.actions.context import Context
from pyhelm.actions.hooks import record, run_hooks
from pyhelm.actions.options import DryRun, RollbackOptions, UpgradeOptions
from pyhelm.actions.ownership import existing, stamped
from pyhelm.actions.reach import reachable
from pyhelm.actions.render import Rendering, live_lookup, prepare, render
from pyhelm.actions.reuse import reused_values
from pyhelm.chart.model import Chart
from pyhelm.engine.interface import ReleaseInfo
from pyhelm.errors import KubeError, PyhelmError, ReleaseError
from pyhelm.kube.apply import Applied, ApplyOptions, delete, update
from pyhelm.kube.resources import Resource, difference
from pyhelm.manifest.hooks import HookEvent
from pyhelm.records import replace
from pyhelm.release.model import Info, Release, chart_record, check_name
from pyhelm.release.status import Status
from pyhelm.storage.interface import NoDeployedReleases, ReleaseNotFound
from pyhelm.storage.labels import check_user_labels


class UpgradeFailed(ReleaseError):
    """An upgrade that failed after its revision was recorded."""

    def __init__(self, message: str, release: Release) -> None:
        super().__init__(message)
        self.release = release


async def upgrade(
    context: Context, name: str, chart: Chart, values: dict[str, Any], options: UpgradeOptions
) -> Release:
    """Upgrade release `name`; `values` are those given now. Raises PyhelmError; a dry run changes nothing."""
    await reachable(context)
    try:
        check_name(name)
    except ReleaseError as error:
        raise ReleaseError(f"release name is invalid: {name}") from error
    if options.render.hide_secret and options.dry_run is DryRun.NONE:
        raise ReleaseError("hiding Kubernetes secrets requires a dry-run mode")
    last = await _last(context, name)
    current = await current_release(context, last)
    release = await _prepared(context, last, current, chart, values, options)
    old, new = await _objects(context, current, release, options)
    if options.dry_run is not DryRun.NONE:
        release.info.description = options.description or "Dry run complete"
        return release
    await context.releases.create(release, options.max_history)
    applied = Applied()
    try:
        await _perform(context, current, release, old, new, applied, options)
    except (PyhelmError, OSError) as error:
        raise await _failed(context, release, applied, error, options) from error
    except asyncio.CancelledError:
        # Interrupted: the record must not say pending for ever.
        await _failed(context, release, applied, KubeError("context canceled"), options)
        raise
    return release


async def _last(context: Context, name: str) -> Release:
    try:
        last = await context.releases.last(name)
    except ReleaseNotFound as error:
        raise NoDeployedReleases(name) from error
    if last.status.is_pending:
        raise ReleaseError("another operation (install/upgrade/rollback) is in progress")
    return last


async def current_release(context: Context, last: Release) -> Release:
    """What an upgrade starts from: the deployed revision, else a last one that failed or was superseded."""
    if last.status is Status.DEPLOYED:
        return last
    try:
        return await context.releases.deployed(last.name)
    except NoDeployedReleases:
        if last.status in (Status.FAILED, Status.SUPERSEDED):
            return last
        raise


async def _prepared(
    context: Context,
    last: Release,
    current: Release,
    chart: Chart,
    given: dict[str, Any],
    options: UpgradeOptions,
) -> Release:
    check_user_labels(options.labels)
    values = reused_values(chart, current, given, options)
    chart = prepare(chart, values)
    revision = last.version + 1
    rendered = render(
        Rendering(
            chart=chart,
            values=values,
            release=ReleaseInfo(
                name=last.name, namespace=current.namespace, revision=revision, is_install=False, is_upgrade=True
            ),
            capabilities=await server_capabilities(context.discovery),
            options=options.render,
            lookup=await live_lookup(context),
            cache=context.cache,
            log=context.reporter.log,
        )
    )
    return Release(
        name=last.name,
        namespace=current.namespace,
        version=revision,
        info=Info(
            first_deployed=current.info.first_deployed,
            last_deployed=context.stamp(),
            status=Status.PENDING_UPGRADE,
            description="Preparing upgrade",
            notes=rendered.notes,
        ),
        chart=chart_record(chart),
        config=values,
        manifest=rendered.manifest,
        hooks=rendered.hooks,
        labels=_merged_labels(last.labels, options.labels),
        apply_method="ssa" if server_side(options.server_side, last.apply_method) else "csa",
    )


def _merged_labels(old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in {**old, **new}.items() if value != "null"}


def server_side(word: str, recorded: str) -> bool:
    """Whether to apply server-side: as told, or as the earlier revision did."""
    match word:
        case "auto":
            return recorded == "ssa"
        case "true" | "false":
            return word == "true"
    raise ReleaseError(f"invalid/unknown release server-side apply method: {word}")


async def _objects(
    context: Context, current: Release, release: Release, options: UpgradeOptions
) -> tuple[list[Resource], list[Resource]]:
    """Objects of the current revision (with those that are adopted now) and of the new one."""
    try:
        old = await build(context, current.manifest, current.namespace, check=False, old=True)
    except PyhelmError as error:
        raise ReleaseError(f"unable to build kubernetes objects from current release manifest: {error}") from error
    try:
        new = await build(context, release.manifest, release.namespace, check=options.validate)
    except PyhelmError as error:
        raise ReleaseError(f"unable to build kubernetes objects from new release manifest: {error}") from error
    new = stamped(new, release.name, release.namespace)
    try:
        added = await existing(
            context.kube, difference(new, old), release.name, release.namespace, take=options.take_ownership
        )
    except KubeError as error:
        raise KubeError(f"unable to continue with update: {error}", code=error.code, reason=error.reason) from error
    return [*old, *added], new


async def _perform(
    context: Context,
    current: Release,
    release: Release,
    old: Sequence[Resource],
    new: Sequence[Resource],
    applied: Applied,
    options: UpgradeOptions,
) -> None:
    ssa = release.apply_method == "ssa"
    wait = options.wait.for_rollback(options.rollback_on_failure)
    if not options.no_hooks:
        await _hooks(context, release, HookEvent.PRE_UPGRADE, wait.timeout, ssa)
    apply = ApplyOptions(
        server_side=ssa,
        force_conflicts=options.force_conflicts,
        force_replace=options.force_replace,
        upgrade_managers=ssa and current.apply_method != "ssa",
        validation="Strict" if options.validate else "Ignore",
    )
    await update(context.kube, old, new, apply, applied)
    await waiting.ready(context, new, wait.strategy, wait.timeout, jobs=wait.jobs)
    if not options.no_hooks:
        await _hooks(context, release, HookEvent.POST_UPGRADE, wait.timeout, ssa)
    await _supersede(context, current)
    release.moved(Status.DEPLOYED, options.description or "Upgrade complete")
    await context.releases.update(release)


async def _supersede(context: Context, current: Release) -> None:
    current.info = replace(current.info, status=Status.SUPERSEDED)
    await record(context, current)


async def _hooks(context: Context, release: Release, event: HookEvent, timeout: float, ssa: bool) -> None:
    try:
        await run_hooks(context, release, event.value, timeout, server_side=ssa)
    except PyhelmError as error:
        raise ReleaseError(f"{event.value} hooks failed: {error}") from error


async def _failed(
    context: Context, release: Release, applied: Applied, error: Exception, options: UpgradeOptions
) -> ReleaseError:
    """Record the failure, clean up and roll back as asked; the error to raise."""
    context.reporter.log("WARN", "upgrade failed", {"name": release.name, "error": str(error)})
    release.moved(Status.FAILED, f'Upgrade "{release.name}" failed: {error}')
    await record(context, release)
    text = str(error)
    if options.cleanup_on_fail and applied.created:
        errors = await delete(context.kube, applied.created)
        if errors:
            text = (
                f"an error occurred while cleaning up resources. original upgrade error: {error}: "
                f"unable to cleanup resources: {', '.join(errors)}"
            )
            return UpgradeFailed(text, release)
    if options.rollback_on_failure:
        text = await _rolled_back(context, release, text, options)
    return UpgradeFailed(text, release)


async def _rolled_back(context: Context, release: Release, error: str, options: UpgradeOptions) -> str:
    from pyhelm.actions.rollback import rollback

    good = [
        r.version
        for r in await context.releases.history(release.name)
        if r.status in (Status.SUPERSEDED, Status.DEPLOYED)
    ]
    if not good:
        return (
            "unable to find a previously successful release when attempting to rollback. "
            f"original upgrade error: {error}"
        )
    back = RollbackOptions(
        revision=max(good),
        server_side=options.server_side,
        force_conflicts=options.force_conflicts,
        force_replace=options.force_replace,
        no_hooks=options.no_hooks,
        max_history=options.max_history,
        wait=options.wait.for_rollback(True),
    )
    try:
        await rollback(context, release.name, back)
    except PyhelmError as second:
        return f"an error occurred while rolling back the release. original upgrade error: {error}: {second}"
    return f"release {release.name} failed, and has been rolled back due to rollback-on-failure being set: {error}"
