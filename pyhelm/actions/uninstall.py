"""Uninstall: what a release made is deleted, then its history."""

from __future__ import annotations

from collections.abc import Sequence

from pyhelm.actions import waiting
from pyhelm.actions.build import gone_to
from pyhelm.actions.context import Context
from pyhelm.actions.hooks import record, run_hooks
from pyhelm.actions.options import Strategy, UninstallOptions
from pyhelm.actions.reach import reachable
from pyhelm.errors import KubeError, PyhelmError, ReleaseError
from pyhelm.kube.apply import RESOURCE_POLICY, delete
from pyhelm.kube.resources import Resource, locate
from pyhelm.manifest.hooks import HookEvent
from pyhelm.manifest.objects import objects_of
from pyhelm.manifest.order import by_uninstall_order
from pyhelm.records import dataclass, replace
from pyhelm.release.model import Release, check_name
from pyhelm.release.status import Status
from pyhelm.storage.interface import ReleaseNotFound


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """What went. `release` is None where there was none and that was to be ignored; `kept` names what stays."""

    release: Release | None
    kept: tuple[str, ...] = ()


async def uninstall(context: Context, name: str, options: UninstallOptions) -> Uninstalled:
    """Delete release `name`. Raises PyhelmError."""
    await reachable(context)
    history = await _history(context, name, options)
    if not history:
        return Uninstalled(None)
    release = history[-1]
    if options.dry_run:
        return Uninstalled(release)
    if release.status is Status.UNINSTALLED:
        if options.keep_history:
            raise ReleaseError(f'the release named "{name}" is already deleted')
        await _purge(context, history)
        return Uninstalled(release)
    return await _perform(context, history, options)


async def _history(context: Context, name: str, options: UninstallOptions) -> list[Release]:
    try:
        check_name(name)
    except ReleaseError as error:
        raise ReleaseError(f"uninstall: Release name is invalid: {name}") from error
    try:
        return await context.releases.history(name)
    except ReleaseNotFound as error:
        if options.ignore_not_found:
            return []
        if options.dry_run:
            raise
        raise ReleaseNotFound(f"uninstall: Release not loaded: {name}: {error}") from error


async def _perform(context: Context, history: Sequence[Release], options: UninstallOptions) -> Uninstalled:
    release = history[-1]
    release.info = replace(
        release.info,
        status=Status.UNINSTALLING,
        deleted=context.stamp(),
        description="Deletion in progress (or silently failed)",
    )
    if not options.no_hooks:
        await run_hooks(context, release, HookEvent.PRE_DELETE.value, options.wait.timeout)
    await record(context, release)
    resources, kept = await _delete(context, release, options)
    errors: list[str] = []
    try:
        if options.wait.strategy is not Strategy.HOOK_ONLY:
            await waiting.gone(context, resources, options.wait.timeout)
        if not options.no_hooks:
            await run_hooks(context, release, HookEvent.POST_DELETE.value, options.wait.timeout)
    except PyhelmError as error:
        errors.append(str(error))
    release.moved(Status.UNINSTALLED, options.description or "Uninstallation complete")
    await _close(context, history, options, errors)
    if errors:
        raise ReleaseError(f"uninstallation completed with {len(errors)} error(s): {'; '.join(errors)}")
    return Uninstalled(release, kept)


async def _close(
    context: Context, history: Sequence[Release], options: UninstallOptions, errors: list[str]
) -> None:
    """Purge the history, or keep it with this revision marked."""
    if not options.keep_history:
        try:
            await _purge(context, history)
        except PyhelmError as error:
            errors.append(f"uninstall: Failed to purge the release: {error}")
        return
    await record(context, history[-1])
    for other in await context.releases.deployed_all(history[-1].name):
        other.info = replace(other.info, status=Status.SUPERSEDED)
        await record(context, other)


async def _delete(
    context: Context, release: Release, options: UninstallOptions
) -> tuple[list[Resource], tuple[str, ...]]:
    kept: list[str] = []
    doomed = []
    for source, body in by_uninstall_order(objects_of(release.manifest), lambda o: str(o[1].get("kind") or "")):
        metadata = body.get("metadata") or {}
        policy = (metadata.get("annotations") or {}).get(RESOURCE_POLICY)
        if policy is None:
            doomed.append((source, body))
        elif str(policy).strip().lower() == "keep":
            kept.append(f"[{body.get('kind')}] {metadata.get('name')}")
        # Helm neither deletes nor lists an object whose policy is some other word.
    try:
        resources = await locate(doomed, context.discovery, release.namespace, gone_to(context))
    except KubeError as error:
        context.reporter.log("WARN", "unable to build kubernetes objects for delete", {"error": str(error)})
        raise ReleaseError(f"failed to delete release: {release.name}: {error}") from error
    errors = await delete(context.kube, resources, options.cascade.capitalize())
    if errors:
        raise ReleaseError(f"failed to delete release: {release.name}: {'; '.join(errors)}")
    return resources, tuple(kept)


async def _purge(context: Context, history: Sequence[Release]) -> None:
    for revision in history:
        await context.releases.delete(revision.name, revision.version)
