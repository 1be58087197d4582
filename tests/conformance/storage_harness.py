"""A store with the parts of an API server that read and write it, and nothing else: no bootstrap, no HTTP, no
controllers. What upstream's storage.Interface does is here done by the store, the feed and a registry together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from cluster.apiserver.backend import ObjectWatch
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.registry.delete import delete
from cluster.apiserver.registry.entry import encode
from cluster.apiserver.registry.options import DeleteOptions, ReadOptions, WriteOptions
from cluster.apiserver.registry.read import Page, get_entry, list_page
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.update import Change, update
from cluster.apiserver.server import ApiServer
from cluster.client.interface import WatchEvent
from cluster.meta.types import GroupVersionResource, Obj
from cluster.storage.interface import Revision, Store

PODS = GroupVersionResource("", "v1", "pods")
MAPS = GroupVersionResource("", "v1", "configmaps")
NODES = GroupVersionResource("", "v1", "nodes")


class Storage:
    """`pods` are put into the store as they are; `maps` are updated and deleted through their registry."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.server = ApiServer(store, ApiServerOptions(serve=False))
        self.pods, self.maps, self.nodes = (self.server.registry_of(gvr) for gvr in (PODS, MAPS, NODES))
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.server.feed.load()
        self._following = asyncio.create_task(self.server.feed.run())

    async def stop(self) -> None:
        assert self._following is not None
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)

    async def create(self, registry: Registry, obj: Obj) -> Obj:
        """As storage.Interface.Create: nothing is checked but that the key is free."""
        meta = obj["metadata"]
        key = registry.key(meta.get("namespace", ""), meta["name"])
        meta.setdefault("uid", f"uid-{key}")
        revision = await self.store.create(registry.store_key_of(key), encode(obj))
        return await self._seen(registry, key, revision)

    async def replace(self, registry: Registry, obj: Obj) -> Obj:
        """Whatever is there, by its revision."""
        meta = obj["metadata"]
        key = registry.key(meta.get("namespace", ""), meta["name"])
        held = await self.store.get(registry.store_key_of(key))
        assert held is not None
        revision = await self.store.update_if(registry.store_key_of(key), encode(obj), held.mod_revision)
        return await self._seen(registry, key, revision)

    async def remove(self, registry: Registry, obj: Obj) -> int:
        meta = obj["metadata"]
        key = registry.store_key_of(registry.key(meta.get("namespace", ""), meta["name"]))
        held = await self.store.get(key)
        assert held is not None
        revision = await self.store.delete_if(key, held.mod_revision)
        await self.server.feed.reached(revision)
        return revision

    async def _seen(self, registry: Registry, key: str, revision: Revision) -> Obj:
        await self.server.feed.reached(revision)
        return registry.cache.entries[key].obj

    async def get(self, registry: Registry, name: str, namespace: str = "ns", version: str = "") -> Obj:
        return (await get_entry(registry, namespace, name, version)).obj

    async def list(self, registry: Registry, namespace: str = "", **options: Any) -> Page:
        return await list_page(registry, namespace, ReadOptions(**options))

    async def update(self, name: str, transform: Any, *, retry: bool = True) -> Obj:
        """As GuaranteedUpdate."""
        return (await update(self.maps, "ns", name, Change(transform, retry=retry), WriteOptions())).obj

    async def delete(self, name: str, **preconditions: Any) -> Obj:
        return (await delete(self.maps, "ns", name, DeleteOptions(**preconditions))).entry.obj

    async def increase(self) -> Revision:
        """Move the revision on with a key that nobody lists."""
        revision = await self.store.create(self.nodes.store_key_of(f"n{id(object())}-{self._number()}"), b"{}")
        await self.server.feed.reached(revision)
        return revision

    def _number(self) -> int:
        self._count = getattr(self, "_count", 0) + 1
        return self._count

    def watch(self, registry: Registry, namespace: str = "", version: str = "", **options: Any) -> Watching:
        wanted = {"resource_version": version, "label_selector": "", "field_selector": "", "bookmarks": False}
        return Watching(ObjectWatch(registry, namespace, wanted | options))


class Watching:
    """A watch under way; `take` waits for so many events."""

    def __init__(self, watch: ObjectWatch) -> None:
        self.watch = watch
        self._events: AsyncIterator[WatchEvent] = watch.events()

    async def take(self, count: int) -> list[tuple[str, Obj]]:
        out = []
        async with asyncio.timeout(10):
            while len(out) < count:
                event = await anext(self._events)
                out.append((event.type, event.object))
        return out

    async def quiet(self) -> bool:
        """Nothing comes."""
        coming = asyncio.ensure_future(anext(self._events))  # type: ignore[arg-type]
        await asyncio.sleep(0.02)
        done = coming.done()
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        return not done

    async def close(self) -> None:
        self.watch.close()
        async with aclosing(cast(Any, self._events)):
            pass


def pod(name: str, namespace: str = "ns", node: str = "", **labels: str) -> Obj:
    meta: Obj = {"name": name, "namespace": namespace}
    if labels:
        meta["labels"] = labels
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": {"nodeName": node}, "status": {}}


def config(name: str, namespace: str = "ns", **data: str) -> Obj:
    meta = {"name": name, "namespace": namespace}
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": data}


def version(obj: Obj) -> int:
    return int(obj["metadata"]["resourceVersion"])


def names(page: Page) -> list[str]:
    return [entry.obj["metadata"]["name"] for entry in page.entries]
