"""Emptying a namespace that is being deleted, and letting it go.

Pods first; then everything else is deleted, resource by resource; what stays (finalizers) is told in conditions, in
upstream's words. When nothing is left, the finalizer `kubernetes` is taken off through the finalize subresource.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.controllers.context import Context, Resource
from cluster.controllers.inventory import Inventory
from cluster.machinery.clock import rfc3339
from cluster.machinery.pods import condition
from cluster.machinery.resources import NAMESPACE, NAMESPACES, PODS
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.types import Obj, ObjectKey

_FINALIZER = "kubernetes"
_FIRST_RETRY, _LONGEST_RETRY = 0.5, 16.0


@dataclass(slots=True)
class Remains:
    """What was found after deleting: how many of each `resource.group`, finalizers on them, and failures."""

    numbers: dict[str, int] = field(default_factory=dict)
    finalizers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    silent: Sequence[str] = ()
    """Group versions of other servers that may hold more, and do not say."""

    def add(self, resource: Resource, items: Sequence[Obj]) -> None:
        if not items:
            return
        name = f"{resource.gvr.resource}.{resource.gvr.group}"
        self.numbers[name] = len(items)
        for item in items:
            self.finalizers.update(item["metadata"].get("finalizers") or ())

    @property
    def empty(self) -> bool:
        return not self.numbers and not self.failures and not self.silent


def conditions(remains: Remains) -> list[tuple[str, str, str, str]]:
    """(type, status, reason, message) of the five conditions, in upstream's order."""
    out = [
        _discovery(remains.silent),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
    ]
    if remains.failures:
        text = (
            "Failed to delete all resource types, "
            + f"{len(remains.failures)} remaining: "
            + ", ".join(remains.failures)
        )
        out.append(("NamespaceDeletionContentFailure", "True", "ContentDeletionFailed", text))
    else:
        text = "All content successfully deleted, may be waiting on finalization"
        out.append(("NamespaceDeletionContentFailure", "False", "ContentDeleted", text))
    out.append(_content(remains.numbers))
    out.append(_finalizers(remains.finalizers))
    return out


def _discovery(silent: Sequence[str]) -> tuple[str, str, str, str]:
    type_ = "NamespaceDeletionDiscoveryFailure"
    if not silent:
        return type_, "False", "ResourcesDiscovered", "All resources successfully discovered"
    listed = ", ".join(f"{gv}: stale GroupVersion discovery: {gv}" for gv in sorted(silent))
    text = (
        f"Discovery failed for some groups, {len(silent)} failing: "
        f"unable to retrieve the complete list of server APIs: {listed}"
    )
    return type_, "True", "DiscoveryFailed", text


def _content(numbers: dict[str, int]) -> tuple[str, str, str, str]:
    if not numbers:
        return "NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"
    listed = ", ".join(f"{name} has {number} resource instances" for name, number in sorted(numbers.items()))
    return "NamespaceContentRemaining", "True", "SomeResourcesRemain", f"Some resources are remaining: {listed}"


def _finalizers(found: Counter[str]) -> tuple[str, str, str, str]:
    if not found:
        return (
            "NamespaceFinalizersRemaining",
            "False",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        )
    listed = ", ".join(f"{name} in {number} resource instances" for name, number in sorted(found.items()))
    text = f"Some content in the namespace has finalizers remaining: {listed}"
    return "NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", text


def new_status(namespace: Obj, remains: Remains, now: float) -> dict[str, Any]:
    status = clone(namespace.get("status") or {})
    kept = status.pop("conditions", [])
    for type_, value, reason, message in conditions(remains):
        found = condition({"status": {"conditions": kept}}, type_)
        if found is None:
            found = {"type": type_}
            kept.append(found)
        if found.get("status") != value:
            found["lastTransitionTime"] = rfc3339(now)
        found |= {"status": value, "reason": reason, "message": message}
    status["conditions"] = [
        {k: c[k] for k in ("type", "status", "lastTransitionTime", "reason", "message") if k in c} for c in kept
    ]
    return status


class NamespaceController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._namespaces = context.informers.of(NAMESPACES)
        self._inventory = Inventory(context)
        self._tries: dict[ObjectKey, int] = {}
        self.loop = context.controller("namespace", self.reconcile, [self._namespaces], workers=2)
        self._namespaces.add_handler(self._changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        """Upstream waits a little, so that all API servers have seen the deletion and admit nothing new."""
        if new is not None and new["metadata"].get("deletionTimestamp"):
            key = ObjectKey("", new["metadata"]["name"])
            if old is None or not old["metadata"].get("deletionTimestamp"):
                self.loop.queue.add_after(key, self._context.options.namespace_grace)
            elif old["spec"] != new["spec"]:
                self.loop.queue.add(key)

    async def reconcile(self, key: ObjectKey) -> float | None:
        namespace = self._namespaces.get(key.name)
        if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
            self._tries.pop(key, None)
            return None
        if _FINALIZER not in (namespace["spec"].get("finalizers") or ()):
            return None
        remains = await self._empty(key.name)
        namespace = await self._write(namespace, remains)
        if remains.empty:
            self._tries.pop(key, None)
            await self._finalize(namespace)
            return None
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        return float(min(_FIRST_RETRY * 2.0 ** (tries - 1), _LONGEST_RETRY))

    async def _empty(self, name: str) -> Remains:
        others = self._context.options.others()
        remains = Remains(silent=others.silent)
        resources = [r for r in [*await self._inventory.resources(), *others.resources] if r.namespaced]
        pods = [r for r in resources if r.gvr == PODS]
        await self._sweep(pods, name, remains)
        if not remains.numbers and not remains.failures:
            await self._sweep([r for r in resources if r.gvr != PODS], name, remains)
        return remains

    async def _sweep(self, resources: Sequence[Resource], name: str, remains: Remains) -> None:
        for resource in resources:
            try:
                remains.add(resource, await self._delete_all(resource, name))
            except StatusError as error:
                if error.code not in {404, 405}:
                    remains.failures.append(str(error))

    async def _delete_all(self, resource: Resource, name: str) -> list[Obj]:
        """What is left of a resource after deleting all of it."""
        if not (await self._client.list(resource.gvr, name, limit=1)).items:
            return []
        if "deletecollection" in resource.verbs:
            await self._client.delete_collection(resource.gvr, name)
        else:
            for item in (await self._client.list(resource.gvr, name)).items:
                await self._client.delete(resource.gvr, item["metadata"]["name"], name)
        return (await self._client.list(resource.gvr, name)).items

    async def _write(self, namespace: Obj, remains: Remains) -> Obj:
        status = new_status(namespace, remains, self._context.clock.now())
        if status == namespace.get("status"):
            return namespace
        return await self._client.update(NAMESPACES, self._named(namespace) | {"status": status}, subresource="status")

    async def _finalize(self, namespace: Obj) -> None:
        own = clone(self._named(namespace))
        own["spec"]["finalizers"] = [f for f in own["spec"]["finalizers"] if f != _FINALIZER]
        try:
            await self._client.update(NAMESPACES, own, subresource="finalize")
        except StatusError as error:
            if not is_not_found(error):
                raise

    @staticmethod
    def _named(namespace: Obj) -> Obj:
        return {**namespace, "apiVersion": NAMESPACE.api_version, "kind": NAMESPACE.kind}


def start(context: Context) -> NamespaceController:
    return NamespaceController(context)
