"""Waiting until objects are ready, done or gone, with a picture of what is missing on the way.

One watch per kind and namespace keeps a table of live objects; after each change the rules of `readiness` are asked.
The caller sees Progress values and gets a KubeError that names what was not ready and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyhelm.errors import KubeError
from pyhelm.kube.client import KubeClient
from pyhelm.kube.legacy import legacy_readiness
from pyhelm.kube.readiness import Readiness, State, hook_readiness, is_paused, readiness
from pyhelm.kube.resources import Resource

Rule = Callable[[dict[str, Any] | None], Readiness]
_RETRY = 0.5


@dataclass(frozen=True, slots=True)
class Item:
    """One object that is waited for."""

    name: str
    """`Deployment/web`."""
    ready: bool
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a wait is. `title` names what is waited for."""

    title: str
    items: tuple[Item, ...]

    @property
    def ready(self) -> int:
        return sum(item.ready for item in self.items)


Report = Callable[[Progress], None]


@dataclass(slots=True)
class _Table:
    """Live objects by identity, None for what is not there; what has not been looked at yet has no entry."""

    objects: dict[tuple[str, str, str, str], dict[str, Any] | None] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, key: tuple[str, str, str, str], obj: dict[str, Any] | None) -> None:
        self.objects[key] = obj
        self.changed.set()


async def wait_ready(
    kube: KubeClient,
    resources: Sequence[Resource],
    timeout: float,
    report: Report,
    *,
    jobs: bool = False,
    legacy: bool = False,
) -> None:
    """Until every object is ready; paused Deployments are left out. Raises KubeError (reason Timeout or NotReady).

    `legacy` asks Helm 3's rules instead of kstatus'.
    """

    def rule(obj: dict[str, Any] | None) -> Readiness:
        return legacy_readiness(obj, jobs=jobs) if legacy else readiness(obj, jobs=jobs)

    wanted = [r for r in resources if not is_paused(r.body)]
    await _wait(kube, wanted, timeout, report, rule, "resources")


async def wait_hook(kube: KubeClient, resources: Sequence[Resource], timeout: float, report: Report) -> None:
    """Until hooks are done: Jobs complete, Pods ended; other kinds at once. Raises KubeError."""
    wanted = [r for r in resources if r.kind in ("Job", "Pod")]
    await _wait(kube, wanted, timeout, report, hook_readiness, "hooks")


async def wait_deleted(kube: KubeClient, resources: Sequence[Resource], timeout: float, report: Report) -> None:
    """Until none of the objects is there any more. Raises KubeError."""

    def rule(obj: dict[str, Any] | None) -> Readiness:
        if obj is None:
            return Readiness(State.CURRENT)
        held = (obj.get("metadata") or {}).get("finalizers") or []
        return Readiness(State.TERMINATING, "is being deleted" + (f", held by {', '.join(held)}" if held else ""))

    await _wait(kube, resources, timeout, report, rule, "deletions")


async def _wait(
    kube: KubeClient, resources: Sequence[Resource], timeout: float, report: Report, rule: Rule, title: str
) -> None:
    named = [r for r in resources if r.name]
    if not named:
        return
    table = _Table()
    watchers = [
        asyncio.create_task(_follow(kube, collection, group, table))
        for collection, group in _collections(named).items()
    ]
    try:
        async with asyncio.timeout(timeout):
            await _until(named, table, report, rule, title)
    except TimeoutError:
        raise _not_ready(named, table, rule, "context deadline exceeded", "Timeout") from None
    finally:
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


async def _until(resources: Sequence[Resource], table: _Table, report: Report, rule: Rule, title: str) -> None:
    shown: Progress | None = None
    while len(table.objects) < len({r.identity for r in resources}):
        table.changed.clear()
        await table.changed.wait()
    while True:
        table.changed.clear()
        states = {r.identity: rule(table.objects.get(r.identity)) for r in resources}
        progress = Progress(title, tuple(_item(r, states[r.identity]) for r in resources))
        if progress != shown:
            report(progress)
            shown = progress
        if any(state.state is State.FAILED for state in states.values()):
            raise _not_ready(resources, table, rule, "resource failed", "NotReady")
        if all(state.ready for state in states.values()):
            return
        await table.changed.wait()


def _item(resource: Resource, state: Readiness) -> Item:
    return Item(resource.short, state.ready, "" if state.ready else state.message)


def _collections(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    groups: dict[str, list[Resource]] = {}
    for resource in resources:
        groups.setdefault(resource.collection, []).append(resource)
    return groups


async def _follow(kube: KubeClient, collection: str, resources: Sequence[Resource], table: _Table) -> None:
    """Keep the table true for one collection: list, watch from there, list again when the watch ends."""
    keys = {resource.name: resource.identity for resource in resources}
    params: dict[str, Any] = {"fieldSelector": f"metadata.name={next(iter(keys))}"} if len(keys) == 1 else {}
    while True:
        try:
            page = await kube.get(collection, **params)
            present = {item["metadata"]["name"]: item for item in page.get("items") or []}
            head = {"apiVersion": page.get("apiVersion"), "kind": str(page.get("kind", "")).removesuffix("List")}
            for name, key in keys.items():
                item = present.get(name)
                table.put(key, {**head, **item} if item is not None else None)
            revision = (page.get("metadata") or {}).get("resourceVersion")
            async with kube.watch(collection, resourceVersion=revision, timeoutSeconds=290, **params) as events:
                async for event in events:
                    if event.get("type") == "ERROR":
                        break
                    _take(event, keys, table)
        except KubeError:
            await asyncio.sleep(_RETRY)


def _take(event: dict[str, Any], keys: dict[str, tuple[str, str, str, str]], table: _Table) -> None:
    item = event.get("object") or {}
    key = keys.get((item.get("metadata") or {}).get("name", ""))
    if key is not None:
        table.put(key, None if event.get("type") == "DELETED" else item)


def _not_ready(resources: Sequence[Resource], table: _Table, rule: Rule, words: str, reason: str) -> KubeError:
    lines = []
    stuck: list[Resource] = []
    for resource in resources:
        state = rule(table.objects.get(resource.identity))
        if not state.ready:
            stuck.append(resource)
            lines.append(
                f"resource {resource.kind}/{resource.namespace}/{resource.name} not ready. "
                f"status: {state.state.value}, message: {state.message}"
            )
    error = NotReadyError("\n".join([*lines, words]), reason=reason)
    error.stuck = tuple(stuck)
    return error


class NotReadyError(KubeError):
    """A wait that did not end well; `stuck` are the objects that were not ready."""

    stuck: tuple[Resource, ...] = ()
