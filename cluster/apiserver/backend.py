"""The server's side of the in-process client: the same verbs as over HTTP, with objects instead of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from cluster.apiserver.authz.interface import Attributes, Decision, refusal
from cluster.apiserver.handlers import body, patch
from cluster.apiserver.handlers.resources import put
from cluster.apiserver.registry.cache import ADDED, DELETED, Change, Watch, states
from cluster.apiserver.registry.create import create
from cluster.apiserver.registry.delete import delete, delete_collection
from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.options import DeleteOptions, ReadOptions, WriteOptions, parse_revision
from cluster.apiserver.registry.read import get_entry, list_page
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import UserInfo
from cluster.client.inprocess import Backend
from cluster.client.interface import ListResult, WatchEvent
from cluster.meta import errors
from cluster.meta.errors import Reason, StatusError
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersionResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

BOOKMARK_EVERY = 60.0


class RegistryBackend:
    """See client.inprocess.Backend. Acts as `user`, with that user's rights."""

    def __init__(self, server: ApiServer, user: UserInfo, manager: str) -> None:
        self._server = server
        self._user = user
        self._manager = manager
        self._elsewhere: Backend | None = None

    def of(self, gvr: GroupVersionResource) -> Backend:
        aggregator = self._server.aggregator
        if not aggregator.remote or (gvr.group, gvr.version) not in aggregator.remote:
            return self
        if self._elsewhere is None:
            from cluster.apiserver.aggregation.objects import RemoteBackend

            self._elsewhere = RemoteBackend(aggregator.registrations, aggregator.proxy, self._user, self._allow)
        return self._elsewhere

    def _registry(self, gvr: GroupVersionResource) -> Registry:
        kind = self._server.kinds.by_gvr(gvr)
        if kind is None:
            raise StatusError(404, Reason.NOT_FOUND, "the server could not find the requested resource", {})
        return self._server.registry(kind)

    async def _allow(self, verb: str, gvr: GroupVersionResource, namespace: str, name: str = "", sub: str = "") -> None:
        asked = Attributes(self._user, verb, gvr.group, gvr.version, gvr.resource, sub, name, namespace)
        decision, reason, _ = await self._server.authorizer.decide(asked)
        if decision is not Decision.ALLOW:
            raise errors.forbidden(gvr.group_resource, name, refusal(asked, reason))

    def _options(self, manager: str = "", force: bool = False) -> WriteOptions:
        return WriteOptions(self._user, manager=manager or self._manager, validation="Ignore", force=force)

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str) -> Obj:
        await self._allow("get", gvr, namespace, name)
        registry = self._registry(gvr)
        return registry.present(await get_entry(registry, namespace, name))

    async def list(self, gvr: GroupVersionResource, namespace: str, options: dict[str, Any]) -> ListResult:
        await self._allow("list", gvr, namespace)
        registry = self._registry(gvr)
        page = await list_page(registry, namespace, ReadOptions(**options))
        return ListResult([registry.present(e) for e in page.entries], str(page.revision), page.continue_token)

    async def create(self, gvr: GroupVersionResource, obj: Obj, namespace: str, sub: str, name: str) -> Obj:
        await self._allow("create", gvr, namespace, name, sub)
        registry, options = self._registry(gvr), self._options()
        if sub:
            return await self._create_sub(registry, obj, namespace, sub, name, options)
        entry = await create(registry, namespace, body.digest(registry, clone(obj), options), options)
        return registry.present(entry)

    async def _create_sub(
        self, registry: Registry, obj: Obj, namespace: str, sub: str, name: str, options: WriteOptions
    ) -> Obj:
        if sub == "binding":
            from cluster.apiserver.handlers.subresources import bind

            return registry.present(await bind(registry, namespace, name, obj, options))
        if sub == "eviction":
            from cluster.apiserver.registry.eviction import evict

            await evict(registry, namespace, name, obj, options)
            return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        if sub == "token" and "tokens" in registry.services.extras:
            from cluster.apiserver.handlers.subresources import issue_token

            return await issue_token(registry, namespace, name, clone(obj) | {"metadata": {}}, options)
        raise errors.method_not_allowed()

    async def update(self, gvr: GroupVersionResource, obj: Obj, sub: str) -> Obj:
        registry, options = self._registry(gvr), self._options()
        name, namespace = obj["metadata"]["name"], obj["metadata"].get("namespace", "")
        await self._allow("update", gvr, namespace, name, sub)
        entry, _ = await put(
            registry,
            namespace,
            name,
            body.digest(registry, clone(obj), options),
            options,
            self._sub(registry, sub),
        )
        return registry.present(entry)

    async def patch(
        self, gvr: GroupVersionResource, name: str, namespace: str, data: Any, options: dict[str, Any]
    ) -> Obj:
        sub = options["subresource"]
        await self._allow("patch", gvr, namespace, name, sub)
        registry = self._registry(gvr)
        write = self._options(options["field_manager"], options["force"])
        subresource = self._sub(registry, sub)
        if options["patch_type"] == patch.APPLY:
            from cluster.apiserver.handlers import apply

            write.apply = True
            entry, _ = await apply.apply_object(registry, namespace, name, clone(data), write, subresource)
            return registry.present(entry)
        import orjson

        patcher = patch.patcher_for(registry, options["patch_type"], orjson.dumps(data))
        entry = await patch.apply_patch(registry, namespace, name, patcher, write, subresource)
        return registry.present(entry)

    @staticmethod
    def _sub(registry: Registry, name: str) -> Any:
        if not name:
            return None
        sub = registry.kind.subresource(name)
        if sub is None:
            raise StatusError(404, Reason.NOT_FOUND, "the server could not find the requested resource", {})
        return sub

    async def delete(self, gvr: GroupVersionResource, name: str, namespace: str, options: dict[str, Any]) -> Obj:
        await self._allow("delete", gvr, namespace, name)
        registry = self._registry(gvr)
        outcome = await delete(registry, namespace, name, DeleteOptions(self._user, **options))
        await registry.ready((outcome.entry,))
        return registry.present(outcome.entry)

    async def delete_collection(self, gvr: GroupVersionResource, namespace: str, labels: str, fields: str) -> None:
        await self._allow("deletecollection", gvr, namespace)
        registry = self._registry(gvr)
        selection = ReadOptions(label_selector=labels, field_selector=fields)
        await delete_collection(registry, namespace, DeleteOptions(self._user), selection)

    async def watch(
        self, gvr: GroupVersionResource, namespace: str, options: dict[str, Any]
    ) -> AsyncIterator[WatchEvent]:
        await self._allow("watch", gvr, namespace)
        stream = ObjectWatch(self._registry(gvr), namespace, options)
        try:
            async for event in stream.events():
                yield event
        finally:
            stream.close()


class ObjectWatch:
    """A watch that hands out shared dicts."""

    def __init__(self, registry: Registry, namespace: str, options: dict[str, Any]) -> None:
        self._registry = registry
        self._bookmarks: bool = options["bookmarks"]
        self._from = parse_revision(options["resource_version"])
        match, name = registry.matcher(options["label_selector"], options["field_selector"], namespace)
        self._watch = Watch(namespace if registry.kind.namespaced else "", name, match, self._queue, self._end)
        self._registered = self._watch.raw(self._happened) if registry.by_webhook else self._watch
        self._happening: list[Change] = []
        self._waiting: list[WatchEvent] = []
        self._wake: asyncio.Future[None] | None = None
        self._closed = False

    async def events(self) -> AsyncIterator[WatchEvent]:
        cache, feed = self._registry.cache, self._registry.services.feed
        if cache.unreadable:
            self._registry.refuse_unreadable(cached=True)
        if self._from and self._from < cache.floor:
            raise errors.expired(f"too old resource version: {self._from} ({cache.floor})")
        await self._registry.ready_now(self._concerned)
        if not self._from:
            for key in cache.keys(self._watch.namespace):
                entry = cache.entries[key]
                if self._watch.covers(key) and (self._watch.match is None or self._watch.match(entry)):
                    self._waiting.append(WatchEvent(ADDED, self._registry.present(entry)))
        else:
            for change in cache.since(self._from):
                if self._watch.covers(change.entry.key):
                    type = self._watch.sees(change)
                    if type:
                        self._queue(type, change)
        self._from = max(self._from, feed.revision)
        cache.add_watch(self._registered)
        if self._bookmarks:
            self._timer = self._registry.services.clock.call_later(BOOKMARK_EVERY, self._bookmark)
        while not self._closed:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                for event in taken:
                    yield event
            if self._closed:
                return
            if self._happening:
                await self._convert()
                continue
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake

    _timer: Any = None

    def close(self) -> None:
        self._closed = True
        self._registry.cache.remove_watch(self._registered)
        if self._timer is not None:
            self._timer.cancel()

    def _concerned(self) -> list[Entry]:
        """The states that the watch begins with, where a webhook converts them."""
        if not self._registry.by_webhook:
            return []
        cache, watch = self._registry.cache, self._watch
        if not self._from:
            return [cache.entries[key] for key in cache.keys(watch.namespace) if watch.covers(key)]
        return states(change for change in cache.since(self._from) if watch.covers(change.entry.key))

    def _happened(self, _: str, change: Change) -> None:
        """Put aside what has to be converted before it is known whether it concerns the watch."""
        self._happening.append(change)
        self._awake()

    async def _convert(self) -> None:
        taken, self._happening = self._happening, []
        await self._registry.ready(states(taken))
        for change in taken:
            type = self._watch.sees(change)
            if type:
                self._queue(type, change)

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _queue(self, type: str, change: Change) -> None:
        entry = change.left() if type == DELETED and change.type != DELETED else change.entry
        self._waiting.append(WatchEvent(type, self._registry.present(entry)))
        self._awake()

    def _end(self) -> None:
        self._closed = True
        self._awake()

    def _bookmark(self) -> None:
        kind = self._registry.kind
        meta = {"resourceVersion": str(self._registry.services.feed.revision)}
        self._waiting.append(
            WatchEvent("BOOKMARK", {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta})
        )
        self._awake()
        self._timer = self._registry.services.clock.call_later(BOOKMARK_EVERY, self._bookmark)
