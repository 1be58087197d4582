"""Install: a chart becomes revision 1 of a new release."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pyhelm.actions import waiting
from pyhelm.actions.build import build
from pyhelm.actions.capabilities import server_capabilities
from pyhelm.actions.context import Context
from pyhelm.actions.hooks import record, run_hooks
from pyhelm.actions.options import DryRun, InstallOptions, Strategy, UninstallOptions
from pyhelm.actions.ownership import existing, stamped
from pyhelm.actions.reach import check_reachable
from pyhelm.actions.render import Rendered, Rendering, crd_objects, live_lookup, prepare, render
from pyhelm.chart.model import Chart
from pyhelm.engine.interface import ReleaseInfo
from pyhelm.errors import KubeError, PyhelmError, ReleaseError
from pyhelm.kube.apply import Applied, ApplyOptions, create, update
from pyhelm.kube.resources import Resource, locate
from pyhelm.manifest.hooks import HookEvent
from pyhelm.manifest.objects import objects_of
from pyhelm.records import replace
from pyhelm.release.model import Info, Release, chart_record, check_name
from pyhelm.release.status import Status
from pyhelm.storage.interface import ReleaseNotFound
from pyhelm.storage.labels import check_user_labels

_CRD_WAIT = 60.0


class InstallFailed(ReleaseError):
    """An install that failed after a release was made; `release` is what stands recorded."""

    def __init__(self, message: str, release: Release) -> None:
        super().__init__(message)
        self.release = release


async def install(
    context: Context, name: str, chart: Chart, values: dict[str, Any], options: InstallOptions
) -> Release:
    """Install `chart` with the user's `values` as release `name`. Raises PyhelmError; a dry run changes nothing."""
    await check_reachable(context)
    if options.render.hide_secret and options.dry_run is DryRun.NONE:
        raise ReleaseError("hiding Kubernetes secrets requires a dry-run mode")
    await available_name(context, name, options)
    check_user_labels(options.labels)
    chart = prepare(chart, values)
    await _install_crds(context, chart, options)
    info = ReleaseInfo(name=name, namespace=context.namespace)
    rendered = render(await _rendering(context, chart, values, info, options))
    release = new_release(context, name, chart, values, options, rendered)
    resources = await _built(context, release, options)
    adopted = await _adopted(context, resources, release, options)
    if options.dry_run is not DryRun.NONE:
        release.info.description = "Dry run complete"
        return release
    await _store(context, release, options)
    try:
        await _perform(context, release, resources, adopted, options)
    except (PyhelmError, OSError) as error:
        raise await _failed(context, release, error, options) from error
    except asyncio.CancelledError:
        # Interrupted: the record must not say pending for ever.
        await _failed(context, release, KubeError("context canceled"), options)
        raise
    return release


async def available_name(context: Context, name: str, options: InstallOptions) -> None:
    """Raise ReleaseError for a name that is invalid or still in use."""
    try:
        check_name(name)
        if options.dry_run is not DryRun.NONE:
            return
        last = await _last(context, name)
        reusable = options.replace and last is not None and last.status in (Status.UNINSTALLED, Status.FAILED)
        if last is not None and not reusable:
            raise ReleaseError("cannot reuse a name that is still in use")
    except ReleaseError as error:
        raise ReleaseError(f"release name check failed: {error}") from error


async def _last(context: Context, name: str) -> Release | None:
    try:
        return await context.releases.last(name)
    except ReleaseNotFound:
        return None


async def _rendering(
    context: Context, chart: Chart, values: dict[str, Any], info: ReleaseInfo, options: InstallOptions
) -> Rendering:
    return Rendering(
        chart=chart,
        values=values,
        release=info,
        capabilities=await server_capabilities(context.discovery),
        options=options.render,
        lookup=await live_lookup(context),
        cache=context.cache,
        log=context.reporter.log,
    )


def new_release(
    context: Context, name: str, chart: Chart, values: dict[str, Any], options: InstallOptions, rendered: Rendered
) -> Release:
    """The release as it stands before anything is sent."""
    now = context.stamp()
    return Release(
        name=name,
        namespace=context.namespace,
        info=Info(
            first_deployed=now,
            last_deployed=now,
            status=Status.PENDING_INSTALL,
            description="Initial install underway",
            notes=rendered.notes,
        ),
        chart=chart_record(chart),
        config=values,
        manifest=rendered.manifest,
        hooks=rendered.hooks,
        labels=dict(options.labels),
        apply_method="ssa" if options.server_side else "csa",
    )


async def _built(context: Context, release: Release, options: InstallOptions) -> list[Resource]:
    try:
        found = await build(context, release.manifest, release.namespace, check=options.validate)
    except PyhelmError as error:
        raise ReleaseError(f"unable to build kubernetes objects from release manifest: {error}") from error
    return stamped(found, release.name, release.namespace)


async def _adopted(
    context: Context, resources: Sequence[Resource], release: Release, options: InstallOptions
) -> list[Resource]:
    try:
        return await existing(
            context.kube, resources, release.name, release.namespace, take=options.take_ownership
        )
    except KubeError as error:
        raise KubeError(f"unable to continue with install: {error}", code=error.code, reason=error.reason) from error


async def _store(context: Context, release: Release, options: InstallOptions) -> None:
    if options.create_namespace:
        await create_namespace(context, release.namespace, server_side=options.server_side)
    if options.replace:
        last = await _last(context, release.name)
        if last is not None:
            last.info = replace(last.info, status=Status.SUPERSEDED, description="superseded by new release")
            await record(context, last)
            release.version = last.version + 1
    await context.releases.create(release)


async def create_namespace(context: Context, namespace: str, *, server_side: bool) -> None:
    """Make the namespace of the release; one that is there already is left as it is."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"name": namespace}}}
    if await context.kube.find(f"/api/v1/namespaces/{namespace}") is not None:
        return
    resources = await locate([("namespace", body)], context.discovery, "")
    try:
        await create(context.kube, resources, ApplyOptions(server_side=server_side))
    except KubeError as error:
        if error.reason != "AlreadyExists":
            raise


async def _install_crds(context: Context, chart: Chart, options: InstallOptions) -> None:
    """CustomResourceDefinitions of crds/ go first, since templates and manifest may need what they define."""
    crds = [] if options.skip_crds else crd_objects(chart)
    if not crds:
        return
    if options.dry_run is not DryRun.NONE:
        text = "This chart or one of its subcharts contains CRDs. Rendering may fail or contain inaccuracies."
        context.reporter.log("WARN", text, {})
        return
    bodies = [(crd.path, body) for crd in crds for _, body in objects_of(crd.text)]
    resources = await locate(bodies, context.discovery, context.namespace)
    for resource in resources:
        try:
            await create(context.kube, [resource], ApplyOptions(server_side=options.server_side))
        except KubeError as error:
            if error.reason != "AlreadyExists":
                raise KubeError(f"failed to install CRD {resource.source}: {error}", code=error.code) from error
    # Whatever the strategy: an unestablished definition would fail the objects that need it.
    await waiting.ready(context, resources, Strategy.WATCHER, _CRD_WAIT, jobs=False)
    context.discovery.reset()


async def _perform(
    context: Context,
    release: Release,
    resources: Sequence[Resource],
    adopted: Sequence[Resource],
    options: InstallOptions,
) -> None:
    wait = options.wait.for_rollback(options.rollback_on_failure)
    if not options.no_hooks:
        await _hooks(context, release, HookEvent.PRE_INSTALL, wait.timeout, options.server_side)
    apply = ApplyOptions(
        server_side=options.server_side,
        force_conflicts=options.force_conflicts,
        force_replace=options.force_replace,
        three_way_for_custom=options.take_ownership and not options.server_side,
        upgrade_managers=True,
        validation="Strict" if options.validate else "Ignore",
    )
    if adopted:
        await update(context.kube, adopted, resources, apply, Applied())
    else:
        await create(context.kube, resources, replace(apply, force_conflicts=False))
    await waiting.ready(context, resources, wait.strategy, wait.timeout, jobs=wait.jobs)
    if not options.no_hooks:
        await _hooks(context, release, HookEvent.POST_INSTALL, wait.timeout, options.server_side)
    release.moved(Status.DEPLOYED, options.description or "Install complete")
    await record(context, release)


async def _hooks(context: Context, release: Release, event: HookEvent, timeout: float, server_side: bool) -> None:
    try:
        await run_hooks(context, release, event.value, timeout, server_side=server_side)
    except PyhelmError as error:
        raise ReleaseError(f"failed {event.value}: {error}") from error


async def _failed(
    context: Context, release: Release, error: Exception, options: InstallOptions
) -> ReleaseError:
    from pyhelm.actions.uninstall import uninstall

    release.moved(Status.FAILED, f'Release "{release.name}" failed: {error}')
    if not options.rollback_on_failure:
        await record(context, release)
        return InstallFailed(str(error), release)
    undo = UninstallOptions(no_hooks=options.no_hooks, wait=options.wait.for_rollback(True))
    try:
        await record(context, release)
        await uninstall(context, release.name, undo)
    except PyhelmError as second:
        text = f"an error occurred while uninstalling the release. original install error: {error}: {second}"
        return InstallFailed(text, release)
    return InstallFailed(
        f"release {release.name} failed, and has been uninstalled due to rollback-on-failure being set: {error}",
        release,
    )
