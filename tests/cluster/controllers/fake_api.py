"""A tiny API in memory for tests of what reacts to it: names, versions, watches, finalizers; no kinds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from cluster.client.interface import ListResult, WatchEvent
from cluster.machinery.clock import Clock, rfc3339
from cluster.machinery.resources import PODS
from cluster.meta.errors import already_exists, conflict, expired, not_found
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersionResource, Obj


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386, with conditions merged by type as a strategic merge would."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif key == "conditions":
            kept = {c["type"]: c for c in out.get(key) or ()}
            out[key] = [*{**kept, **{c["type"]: {**kept.get(c["type"], {}), **c} for c in value}}.values()]
        else:
            out[key] = merge(out.get(key), value)
    return out


class FakeApi:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = count(1)
        self.revision = 0
        self.objects: dict[GroupVersionResource, dict[tuple[str, str], Obj]] = {}
        self.log: list[tuple[int, GroupVersionResource, WatchEvent]] = []
        self.oldest = 0
        self._changed = asyncio.Event()
        self.refuse: Any = None

    def _note(self, gvr: GroupVersionResource, type_: str, obj: Obj) -> None:
        self.revision += 1
        obj["metadata"]["resourceVersion"] = str(self.revision)
        self.log.append((self.revision, gvr, WatchEvent(type_, obj)))
        self._changed.set()
        self._changed = asyncio.Event()

    def _store(self, gvr: GroupVersionResource, obj: Obj, type_: str) -> Obj:
        meta = obj["metadata"]
        key = (meta.get("namespace") or "", meta["name"])
        self._note(gvr, type_, obj)
        self.objects.setdefault(gvr, {})[key] = obj
        return obj

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str = "") -> Obj:
        found = self.objects.get(gvr, {}).get((namespace, name))
        if found is None:
            raise not_found(gvr.group_resource, name)
        return found

    async def list(self, gvr: GroupVersionResource, namespace: str = "", **_: Any) -> ListResult:
        items = [o for (ns, _), o in self.objects.get(gvr, {}).items() if not namespace or ns == namespace]
        return ListResult(items, str(self.revision))

    async def watch(
        self, gvr: GroupVersionResource, namespace: str = "", *, resource_version: str, **_: Any
    ) -> AsyncIterator[WatchEvent]:
        seen = int(resource_version)
        if seen < self.oldest:
            raise expired()
        while True:
            changed = self._changed
            for revision, resource, event in self.log[:]:
                if revision > seen:
                    seen = revision
                    if resource == gvr:
                        yield event
            await changed.wait()

    async def create(
        self, gvr: GroupVersionResource, obj: Obj, namespace: str = "", *, subresource: str = "", name: str = ""
    ) -> Obj:
        if subresource == "binding":
            pod = clone(await self.get(PODS, name, namespace))
            pod["spec"]["nodeName"] = obj["target"]["name"]
            return self._store(PODS, pod, "MODIFIED")
        if self.refuse is not None:
            self.refuse(gvr, obj)
        new = clone(obj)
        meta = new["metadata"]
        if namespace:
            meta["namespace"] = namespace
        number = next(self._numbers)
        meta.setdefault("name", f"{meta.get('generateName', '')}{number:05d}")
        if (namespace, meta["name"]) in self.objects.get(gvr, {}):
            raise already_exists(gvr.group_resource, meta["name"])
        meta |= {"uid": f"uid-{number}", "generation": 1, "creationTimestamp": rfc3339(self._clock.now())}
        return self._store(gvr, new, "ADDED")

    async def update(self, gvr: GroupVersionResource, obj: Obj, *, subresource: str = "") -> Obj:
        meta = obj["metadata"]
        old = await self.get(gvr, meta["name"], meta.get("namespace") or "")
        if meta.get("resourceVersion") not in {None, old["metadata"]["resourceVersion"]}:
            raise conflict(gvr.group_resource, meta["name"], "stale")
        new = clone(obj)
        if subresource == "status":
            new = {**clone(old), "status": new.get("status")}
            new["metadata"]["annotations"] = meta.get("annotations") or {}
        elif new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        return self._store(gvr, new, "MODIFIED")

    async def patch(
        self, gvr: GroupVersionResource, name: str, namespace: str, body: Any, *, subresource: str = "", **_: Any
    ) -> Obj:
        old = await self.get(gvr, name, namespace)
        new = merge(clone(old), clone(body))
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            return self._remove(gvr, new)
        return self._store(gvr, new, "MODIFIED")

    def _remove(self, gvr: GroupVersionResource, obj: Obj) -> Obj:
        meta = obj["metadata"]
        del self.objects[gvr][(meta.get("namespace") or "", meta["name"])]
        self._note(gvr, "DELETED", obj)
        return obj

    async def delete(
        self, gvr: GroupVersionResource, name: str, namespace: str = "", *, propagation: str = "", **_: Any
    ) -> Obj:
        obj = clone(await self.get(gvr, name, namespace))
        extra = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(propagation)
        if extra:
            obj["metadata"].setdefault("finalizers", []).append(extra)
        if obj["metadata"].get("finalizers"):
            obj["metadata"]["deletionTimestamp"] = rfc3339(self._clock.now())
            return self._store(gvr, obj, "MODIFIED")
        return self._remove(gvr, obj)

    async def delete_collection(self, gvr: GroupVersionResource, namespace: str = "", **_: Any) -> None:
        for ns, name in [*self.objects.get(gvr, {})]:
            if ns == namespace:
                await self.delete(gvr, name, ns)
