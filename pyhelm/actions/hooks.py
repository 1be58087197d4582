"""Running the hooks of one event: in order, each created, awaited and deleted as its policies say."""

from __future__ import annotations

from collections.abc import Sequence

from pyhelm.actions import waiting
from pyhelm.actions.context import Context
from pyhelm.errors import KubeError, PyhelmError, ReleaseError
from pyhelm.kube.apply import ApplyOptions, create, delete
from pyhelm.kube.resources import Resource, locate
from pyhelm.manifest.hooks import DeletePolicy, Hook, HookPhase, HookRun
from pyhelm.manifest.objects import object_of
from pyhelm.release.model import Release


async def run_hooks(
    context: Context, release: Release, event: str, timeout: float, *, server_side: bool = True
) -> None:
    """Run all hooks of `event`; raises PyhelmError at the first that fails, after the clean-up its policies ask."""
    hooks = release.hooks_for(event)
    for index, hook in enumerate(hooks):
        hook.delete_policies = hook.delete_policies or (DeletePolicy.BEFORE_CREATION.value,)
        await _delete_by_policy(context, release, hook, DeletePolicy.BEFORE_CREATION, timeout)
        try:
            await _run(context, release, hook, event, timeout, server_side)
        except _HookFailed as failure:
            await _after_failure(context, release, hook, hooks[:index], timeout)
            raise failure.cause from failure.cause.__cause__
    for hook in reversed(hooks):
        await _logs_by_policy(context, release, hook, "hook-succeeded")
        await _delete_by_policy(context, release, hook, DeletePolicy.SUCCEEDED, timeout)


class _HookFailed(Exception):
    """A hook ran and failed: its log and delete policies for failure apply."""

    def __init__(self, cause: PyhelmError) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def _run(
    context: Context, release: Release, hook: Hook, event: str, timeout: float, server_side: bool
) -> None:
    try:
        resources = await _located(context, release, hook)
    except PyhelmError as error:
        raise KubeError(f"unable to build kubernetes object for {event} hook {hook.path}: {error}") from error
    hook.last_run = HookRun(started_at=context.stamp(), phase=HookPhase.RUNNING.value)
    await record(context, release)
    hook.last_run.phase = HookPhase.UNKNOWN.value
    try:
        await create(context.kube, resources, ApplyOptions(server_side=server_side))
    except KubeError as error:
        _ended(context, hook, HookPhase.FAILED)
        raise KubeError(f"warning: Hook {event} {hook.path} failed: {error}") from error
    try:
        await waiting.hook_done(context, resources, timeout)
    except KubeError as error:
        _ended(context, hook, HookPhase.FAILED)
        raise _HookFailed(error) from error
    _ended(context, hook, HookPhase.SUCCEEDED)


def _ended(context: Context, hook: Hook, phase: HookPhase) -> None:
    hook.last_run.completed_at = context.stamp()
    hook.last_run.phase = phase.value


async def record(context: Context, release: Release) -> None:
    """Store the release as it is now; a record that cannot be written must not stop the work under way."""
    try:
        await context.releases.update(release)
    except (ReleaseError, KubeError) as error:
        context.reporter.log("WARN", "failed to update release", {"name": release.name, "error": str(error)})


async def _after_failure(
    context: Context, release: Release, hook: Hook, earlier: Sequence[Hook], timeout: float
) -> None:
    await _logs_by_policy(context, release, hook, "hook-failed")
    try:
        await _delete_by_policy(context, release, hook, DeletePolicy.FAILED, timeout)
        for other in earlier:
            await _delete_by_policy(context, release, other, DeletePolicy.SUCCEEDED, timeout)
    except KubeError as error:
        context.reporter.log("WARN", "error deleting the hook resource on hook failure", {"error": str(error)})


async def _located(context: Context, release: Release, hook: Hook) -> list[Resource]:
    body = object_of(hook.path, hook.manifest)
    return await locate([(hook.path, body)], context.discovery, release.namespace)


async def _delete_by_policy(
    context: Context, release: Release, hook: Hook, policy: DeletePolicy, timeout: float
) -> None:
    if hook.kind == "CustomResourceDefinition" or policy.value not in hook.delete_policies:
        return
    try:
        resources = await _located(context, release, hook)
    except PyhelmError as error:
        raise KubeError(f"unable to build kubernetes object for deleting hook {hook.path}: {error}") from error
    errors = await delete(context.kube, resources)
    if errors:
        raise KubeError("; ".join(errors))
    await waiting.gone(context, resources, timeout, quiet=True)


async def _logs_by_policy(context: Context, release: Release, hook: Hook, policy: str) -> None:
    if policy in hook.output_log_policies:
        await hook_logs(context, release, hook)


async def hook_logs(context: Context, release: Release, hook: Hook) -> None:
    """Report the logs of a hook's pods; Jobs and Pods alone have some."""
    selector = {
        "Job": {"labelSelector": f"job-name={hook.name}"},
        "Pod": {"fieldSelector": f"metadata.name={hook.name}"},
    }
    if hook.kind not in selector:
        return
    namespace = str((object_of(hook.path, hook.manifest).get("metadata") or {}).get("namespace") or release.namespace)
    root = f"/api/v1/namespaces/{namespace}/pods"
    try:
        for pod in await context.kube.list(root, **selector[hook.kind]):
            for container in (pod.get("spec") or {}).get("containers") or []:
                text = await context.kube.text(f"{root}/{pod['metadata']['name']}/log", container=container["name"])
                for line in text.splitlines():
                    context.reporter.lines(line)
    except KubeError as error:
        context.reporter.log("WARN", "error outputting logs for hook", {"error": str(error)})
