"""ResourceQuotas: how much of each thing a namespace uses, kept in status.used.

Admission charges a quota before it lets an object in, so a charge may be seen here earlier than what it is for. A count
made in between is too low, and writing it down would let one object too many in. Usage therefore falls only when
something went or uses less, when the quota itself changed, or every five minutes, which gives back what writes that
failed had been charged; when something merely appeared it can only rise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from cluster.controllers.context import Context, Resource
from cluster.controllers.inventory import Inventory
from cluster.machinery import pods as podlib
from cluster.machinery.events import EVENTS
from cluster.machinery.informer import Informer
from cluster.machinery.resources import (
    CLAIMS,
    CONFIG_MAPS,
    PODS,
    REPLICATION_CONTROLLERS,
    RESOURCE_QUOTA,
    RESOURCE_QUOTAS,
    SECRETS,
    SERVICES,
)
from cluster.meta.errors import StatusError
from cluster.meta.objects import key as key_of
from cluster.meta.quantity import Quantity
from cluster.meta.types import GroupResource, GroupVersionResource, Obj, ObjectKey

_PLAIN = {
    "configmaps": CONFIG_MAPS,
    "secrets": SECRETS,
    "services": SERVICES,
    "persistentvolumeclaims": CLAIMS,
    "replicationcontrollers": REPLICATION_CONTROLLERS,
    "resourcequotas": RESOURCE_QUOTAS,
}
_ZERO = Quantity(0)
_SOON, _RESYNC = 0.01, 300.0
List = Callable[[GroupVersionResource], Iterable[Obj]]
"""The objects of a resource in the quota's namespace."""


def _sum(values: Iterable[Quantity]) -> Quantity:
    total = _ZERO
    for value in values:
        total = total + value
    return total


def _count(number: int) -> Quantity:
    return Quantity.parse(str(number))


def in_scopes(pod: Obj, quota: Obj) -> bool:
    """Whether the quota's scopes take the pod in."""
    spec = quota["spec"]
    needs = [{"scopeName": s, "operator": "Exists"} for s in spec.get("scopes") or ()]
    needs += (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    return all(_in_scope(pod, need) for need in needs)


def _in_scope(pod: Obj, need: dict[str, Any]) -> bool:
    name, spec = str(need["scopeName"]), pod["spec"]
    if name in {"Terminating", "NotTerminating"}:
        return (spec.get("activeDeadlineSeconds") is not None) == (name == "Terminating")
    if name in {"BestEffort", "NotBestEffort"}:
        best = (pod.get("status") or {}).get("qosClass") == "BestEffort"
        return bool(best) == (name == "BestEffort")
    if name == "PriorityClass":
        found = spec.get("priorityClassName") or ""
        operator, values = need.get("operator"), need.get("values") or ()
        return {"In": found in values, "NotIn": found not in values, "Exists": bool(found)}.get(
            operator or "", not found
        )
    return name != "CrossNamespacePodAffinity"


def _asked(pod: Obj, field: str, resource: str) -> Quantity:
    """Requests or limits of a pod: its containers together, or its largest init container."""
    spec = pod["spec"]

    def of(container: Obj) -> Quantity:
        text = ((container.get("resources") or {}).get(field) or {}).get(resource)
        return Quantity.parse(text) if text is not None else _ZERO

    inits = spec.get("initContainers") or ()
    lasting = [*(spec.get("containers") or ()), *(c for c in inits if c.get("restartPolicy") == "Always")]
    running = _sum(map(of, lasting))
    largest = max((of(c) for c in inits if c.get("restartPolicy") != "Always"), default=_ZERO)
    overhead = (spec.get("overhead") or {}).get(resource)
    total = largest if largest > running else running
    return total + Quantity.parse(overhead) if overhead else total


def usage(quota: Obj, name: str, listed: List, gvr_of: Callable[[str], GroupVersionResource | None]) -> Quantity | None:
    """What is used of one resource name of spec.hard; None for a name nobody knows how to count."""
    if name.startswith("count/"):
        gvr = gvr_of(name.removeprefix("count/"))
        return _count(sum(1 for _ in listed(gvr))) if gvr is not None else None
    if name in _PLAIN:
        return _count(sum(1 for _ in listed(_PLAIN[name])))
    if name.startswith("services."):
        return _count(sum(_service_counts(s, name) for s in listed(SERVICES)))
    if name == "requests.storage" or ".storageclass.storage.k8s.io/" in name:
        return _storage(name, list(listed(CLAIMS)))
    return _pods(quota, name, listed)


def _service_counts(service: Obj, name: str) -> int:
    type_ = service["spec"].get("type", "ClusterIP")
    if name == "services.loadbalancers":
        return int(type_ == "LoadBalancer")
    return sum(1 for port in service["spec"].get("ports") or () if port.get("nodePort"))


def _storage(name: str, claims: list[Obj]) -> Quantity:
    class_name, dot, what = name.partition(".storageclass.storage.k8s.io/")
    if dot:
        claims = [c for c in claims if c["spec"].get("storageClassName") == class_name]
    if what == "persistentvolumeclaims":
        return _count(len(claims))
    asked = (((c["spec"].get("resources") or {}).get("requests") or {}).get("storage") for c in claims)
    return _sum(Quantity.parse(text) for text in asked if text)


def _pods(quota: Obj, name: str, listed: List) -> Quantity | None:
    pods = [pod for pod in listed(PODS) if not podlib.terminal(pod) and in_scopes(pod, quota)]
    if name == "pods":
        return _count(len(pods))
    field, resource = "requests", name
    if name.startswith(("requests.", "limits.")):
        field, resource = name.split(".", 1)
    elif name not in {"cpu", "memory", "ephemeral-storage"}:
        return None
    return _sum(_asked(pod, field, resource) for pod in pods)


def plan(quota: Obj, listed: List, gvr_of: Callable[[str], GroupVersionResource | None]) -> dict[str, Any]:
    """The status: hard as in spec, and used of each."""
    hard = quota["spec"].get("hard") or {}
    found = {name: usage(quota, name, listed, gvr_of) for name in sorted(hard)}
    used = {name: str(value) for name, value in found.items() if value is not None}
    return {"hard": dict(hard), "used": used} if hard else {}


def risen(found: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The planned status with no use lower than it was before."""
    used, was = found.get("used") or {}, before.get("used") or {}
    kept = {k: was[k] for k in used.keys() & was.keys() if Quantity.parse(used[k]) < Quantity.parse(was[k])}
    return {**found, "used": {**used, **kept}} if kept else found


class QuotaController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._quotas = context.informers.of(RESOURCE_QUOTAS)
        self._inventory = Inventory(context)
        self._resources: dict[GroupResource, Resource] = {}
        self._followed: dict[GroupVersionResource, Informer] = {}
        self._may_fall: set[ObjectKey] = set()
        self.loop = context.controller("resourcequota", self.reconcile, [self._quotas], workers=2)
        self._quotas.add_handler(self._changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.loop.run())
            group.create_task(self._resync())

    async def _resync(self) -> None:
        while True:
            await self._context.clock.sleep(_RESYNC)
            for quota in self._quotas.list():
                self._recount(quota)

    def _recount(self, quota: Obj, after: float = 0.0) -> None:
        key = key_of(quota)
        self._may_fall.add(key)
        self.loop.queue.add_after(key, after)

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None:
            self._may_fall.discard(key_of(old or {}))
        elif old is None or old["spec"] != new["spec"]:
            self._recount(new)

    def _counted(self, gvr: GroupVersionResource, old: Obj | None, new: Obj | None) -> None:
        """Something countable appeared, went, or uses less or more than before."""
        if old is not None and new is not None and not _moved(gvr, old, new):
            return
        for quota in self._quotas.list((new or old or {})["metadata"].get("namespace") or ""):
            if old is None:
                self.loop.queue.add_after(key_of(quota), _SOON)
            else:
                self._recount(quota, _SOON)

    async def _follow(self, gvr: GroupVersionResource) -> Informer:
        informer = self._followed.get(gvr)
        if informer is None:
            informer = self._followed[gvr] = self._context.informers.of(gvr)
            informer.add_handler(partial(self._counted, gvr))
        await informer.synced.wait()
        return informer

    async def _prepare(self, quota: Obj) -> None:
        """Follow what this quota counts."""
        if not self._resources:
            found = await self._inventory.resources()
            self._resources = {r.gvr.group_resource: r for r in found if r.namespaced and r.gvr != EVENTS}
        for name in quota["spec"].get("hard") or {}:
            await self._follow(self._source(name))

    def _source(self, name: str) -> GroupVersionResource:
        if name.startswith("count/"):
            return self._gvr_of(name.removeprefix("count/")) or PODS
        if "storage.k8s.io/" in name or name == "requests.storage":
            return CLAIMS
        return SERVICES if name.startswith("services.") else _PLAIN.get(name, PODS)

    def _gvr_of(self, text: str) -> GroupVersionResource | None:
        resource, _, group = text.partition(".")
        found = self._resources.get(GroupResource(group, resource))
        return found.gvr if found is not None else None

    async def reconcile(self, key: ObjectKey) -> float | None:
        quota = self._quotas.get(key.name, key.namespace)
        if quota is None:
            return None
        await self._prepare(quota)

        def listed(gvr: GroupVersionResource) -> Iterable[Obj]:
            return self._followed[gvr].list(key.namespace)

        before, status = quota.get("status") or {}, plan(quota, listed, self._gvr_of)
        if key not in self._may_fall:
            await self._write(quota, risen(status, before))
            return None
        self._may_fall.discard(key)
        try:
            await self._write(quota, status)
        except StatusError:
            self._may_fall.add(key)
            raise
        return None

    async def _write(self, quota: Obj, status: dict[str, Any]) -> None:
        if status != (quota.get("status") or {}):
            changed = {**quota, "apiVersion": "v1", "kind": RESOURCE_QUOTA.kind, "status": status}
            await self._client.update(RESOURCE_QUOTAS, changed, subresource="status")


def _moved(gvr: GroupVersionResource, old: Obj, new: Obj) -> bool:
    """Whether it may count differently now: a pod that ended or was resized, a claim that grew, a service of another
    spec. That a pod or claim was bound is nothing."""
    if gvr == PODS:
        return podlib.terminal(old) != podlib.terminal(new) or _resources(old) != _resources(new)
    if gvr == CLAIMS:
        return bool(old["spec"].get("resources") != new["spec"].get("resources"))
    return gvr == SERVICES and bool(old["spec"] != new["spec"])


def _resources(pod: Obj) -> list[Any]:
    spec = pod["spec"]
    return [c.get("resources") for c in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))]


def start(context: Context) -> QuotaController:
    return QuotaController(context)
