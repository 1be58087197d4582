"""Making the cluster hold what a manifest says: create, update, prune; delete.

Batches follow install order: objects of one kind go together, the next kind starts when they are done. Nothing is
waited for here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from pyhelm.errors import KubeError
from pyhelm.kube.client import APPLY, FIELD_MANAGER, JSON_PATCH, MERGE, STRATEGIC, KubeClient
from pyhelm.kube.resources import Resource, difference
from pyhelm.kube.threeway import json_merge_patch, strategic_patch

RESOURCE_POLICY = "helm.sh/resource-policy"
KEEP = "keep"
_QUOTA = "the object has been modified; please apply your changes to the latest version and try again"
_QUOTA_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """How objects are written. `validation` is the server's field validation: Strict, Warn or Ignore."""

    server_side: bool = True
    force_conflicts: bool = False
    force_replace: bool = False
    three_way_for_custom: bool = False
    upgrade_managers: bool = False
    """Take over fields which a client-side apply of the same manager owns."""
    validation: str = "Strict"
    dry_run: bool = False


@dataclass(slots=True)
class Applied:
    """What a run did, in order."""

    created: list[Resource] = field(default_factory=list)
    updated: list[Resource] = field(default_factory=list)
    deleted: list[Resource] = field(default_factory=list)


async def create(kube: KubeClient, resources: Sequence[Resource], options: ApplyOptions) -> Applied:
    """Create all (server-side apply makes or changes). Raises KubeError at the first batch that fails."""
    done = Applied()

    async def one(resource: Resource) -> None:
        await _create(kube, resource, options)
        done.created.append(resource)

    await _by_kind(resources, one)
    return done


async def update(
    kube: KubeClient, old: Sequence[Resource], new: Sequence[Resource], options: ApplyOptions, done: Applied
) -> None:
    """Bring `new` about and delete what only `old` has; `done` tells, also after a failure, what was made.

    Raises KubeError: at once where an object cannot be made, after all were tried where some cannot be changed.
    """
    before = {resource.identity: resource for resource in old}
    errors: list[str] = []

    async def one(resource: Resource) -> None:
        live = await kube.find(resource.path)
        if live is None:
            done.created.append(resource)
            await _wrapped(_create(kube, resource, options), "failed to create resource")
            return
        original = before.get(resource.identity)
        if original is None:
            raise KubeError(f'original object {resource.kind} with the name "{resource.name}" not found')
        try:
            await _change(kube, original, resource, live, options)
        except KubeError as error:
            errors.append(str(error))
        done.updated.append(resource)

    await _by_kind(new, one)
    if errors:
        raise KubeError(" && ".join(errors))
    await _prune(kube, difference(old, new), done, options)


async def delete(kube: KubeClient, resources: Sequence[Resource], propagation: str = "Background") -> list[str]:
    """Delete all; what is already gone counts as deleted. Returns the texts of what could not be deleted."""
    errors: list[str] = []

    async def one(resource: Resource) -> None:
        try:
            await kube.delete(resource.path, propagation)
        except KubeError as error:
            if error.code != 404:
                errors.append(str(error))

    await _by_kind(resources, one)
    return errors


async def _by_kind(resources: Sequence[Resource], one: Callable[[Resource], Awaitable[None]]) -> None:
    for _, batch in groupby(resources, key=lambda r: r.kind):
        async with _plain_errors() as group:
            for resource in batch:
                group.create_task(_awaited(one(resource)))


async def _awaited(call: Awaitable[None]) -> None:
    await call


@asynccontextmanager
async def _plain_errors() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group whose first error comes out as itself, for callers know KubeError alone."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def _wrapped(call: Awaitable[None], words: str) -> None:
    try:
        await call
    except KubeError as error:
        raise KubeError(f"{words}: {error}", code=error.code, reason=error.reason, status=error.status) from error


async def _create(kube: KubeClient, resource: Resource, options: ApplyOptions) -> None:
    if options.server_side and resource.name:
        await _apply(kube, resource, options)
        return
    await kube.create(
        resource.collection,
        resource.body,
        fieldValidation=options.validation,
        dryRun="All" if options.dry_run else None,
    )


async def _change(
    kube: KubeClient, original: Resource, target: Resource, live: dict[str, Any], options: ApplyOptions
) -> None:
    if options.force_replace:
        await _replace(kube, target, live, options)
    elif options.server_side:
        if options.upgrade_managers:
            await _take_over(kube, target, live)
        await _apply(kube, target, options)
    else:
        await _patch(kube, original, target, live, options)


async def _apply(kube: KubeClient, resource: Resource, options: ApplyOptions) -> None:
    for attempt in range(_QUOTA_TRIES):
        try:
            await kube.patch(
                resource.path,
                resource.body,
                APPLY,
                force=options.force_conflicts,
                fieldValidation=options.validation,
                dryRun="All" if options.dry_run else None,
            )
            return
        except KubeError as error:
            if _is_quota_race(error) and attempt + 1 < _QUOTA_TRIES:
                await asyncio.sleep(0.1 * 2**attempt)
                continue
            raise _explained(resource, error) from error


def _is_quota_race(error: KubeError) -> bool:
    """Quotas are written with optimistic locking by the server itself; such a conflict is nobody's fault."""
    return error.code == 409 and "resourcequotas" in str(error) and _QUOTA in str(error)


def _explained(resource: Resource, error: KubeError) -> KubeError:
    """A conflict with the owners of the fields, anything else with the object it concerns."""
    where = f"{resource.namespace}/{resource.name} {resource.mapping.api_version}, Kind={resource.kind}"
    if error.code == 409 and (error.status.get("details") or {}).get("causes"):
        text = f"conflict occurred while applying object {where}: {error}"
    else:
        text = f"server-side apply failed for object {where}: {error}"
    return KubeError(text, code=error.code, reason=error.reason, status=error.status)


async def _replace(kube: KubeClient, target: Resource, live: dict[str, Any], options: ApplyOptions) -> None:
    metadata = {**(target.body.get("metadata") or {}), "resourceVersion": live["metadata"].get("resourceVersion")}
    body = {**target.body, "metadata": metadata}
    call = kube.replace(target.path, body, fieldValidation=options.validation)
    await _wrapped(_ignored(call), "failed to replace object")


async def _ignored(call: Awaitable[Any]) -> None:
    await call


async def _patch(
    kube: KubeClient, original: Resource, target: Resource, live: dict[str, Any], options: ApplyOptions
) -> None:
    patch, content_type = client_side_patch(original, target, live, options.three_way_for_custom)
    if patch:
        words = f'cannot patch "{target.name}" with kind {target.kind}'
        call = kube.patch(target.path, patch, content_type, fieldValidation=options.validation)
        await _wrapped(_ignored(call), words)


def client_side_patch(
    original: Resource, target: Resource, live: dict[str, Any], three_way_for_custom: bool
) -> tuple[dict[str, Any], str]:
    """The patch of a client-side upgrade: strategic and three-way for kinds with a known schema, JSON merge else."""
    patch = strategic_patch(original.body, target.body, live)
    if patch is not None:
        return patch, STRATEGIC
    before = original.body if not three_way_for_custom else None
    return json_merge_patch(original.body, target.body, live if before is None else None), MERGE


async def _take_over(kube: KubeClient, target: Resource, live: dict[str, Any]) -> None:
    """Fields owned by `helm` through Update operations become fields it applied (client-go's csaupgrade)."""
    managers = (live.get("metadata") or {}).get("managedFields") or []
    changed = migrated_managers(managers)
    if changed is None:
        return
    patch = [
        {"op": "replace", "path": "/metadata/managedFields", "value": changed},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"].get("resourceVersion")},
    ]
    await kube.patch(target.path, patch, JSON_PATCH)


def migrated_managers(managers: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """managedFields with our Update entries folded into one Apply entry; None where nothing is to be done."""
    ours = [m for m in managers if m.get("manager") == FIELD_MANAGER and not m.get("subresource")]
    updates = [m for m in ours if m.get("operation") == "Update"]
    if not updates:
        return None
    applied = next((m for m in ours if m.get("operation") == "Apply"), None)
    entry = dict(applied or updates[0])
    entry["operation"] = "Apply"
    for other in updates:
        entry["fieldsV1"] = _union(entry.get("fieldsV1") or {}, other.get("fieldsV1") or {})
    rest = [m for m in managers if m not in updates and m is not applied]
    return [*rest, entry]


def _union(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    merged = dict(left)
    for key, value in right.items():
        merged[key] = _union(merged[key], value) if key in merged else value
    return merged


async def _prune(kube: KubeClient, leftover: Sequence[Resource], done: Applied, options: ApplyOptions) -> None:
    errors: list[str] = []
    for resource in leftover:
        try:
            live = await kube.find(resource.path)
            annotations = ((live or {}).get("metadata") or {}).get("annotations") or {}
            if live is None or annotations.get(RESOURCE_POLICY) == KEEP:
                continue
            await kube.delete(resource.path, dryRun="All" if options.dry_run else None)
            done.deleted.append(resource)
        except KubeError as error:
            if error.code != 404:
                errors.append(f"failed to delete resource {resource.name}: {error}")
    if errors:
        raise KubeError(" && ".join(errors))
