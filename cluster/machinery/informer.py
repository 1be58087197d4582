"""A local copy of one resource, kept by list and watch, with indexes and handlers.

The theory: list at revision R, then watch from R; every event moves the copy and its revision ahead. A watch that
ends is resumed from the last revision seen (bookmarks move it too); only when the server says that revision is
gone (410) is the resource listed again, and the difference to the copy is told to the handlers as ordinary
changes. Objects are shared with whoever sent them and are never changed here.

A handler is one function `(old, new)`: added is (None, new), changed (old, new), deleted (old, None). It runs
inside the informer and must only note what to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from typing import Any, cast

from cluster.client.interface import Client, WatchEvent
from cluster.machinery.clock import Clock
from cluster.meta.errors import StatusError
from cluster.meta.objects import key as key_of
from cluster.meta.types import GroupVersionResource, Obj, ObjectKey

Handler = Callable[[Obj | None, Obj | None], None]
Objects = list[Obj]
IndexFunction = Callable[[Obj], Iterable[str]]

log = logging.getLogger(__name__)
_PAGE = 500
_FIRST_DELAY, _LONGEST_DELAY = 0.05, 30.0


class Index:
    """Keys of objects by a value computed from them."""

    __slots__ = ("function", "keys")

    def __init__(self, function: IndexFunction) -> None:
        self.function = function
        self.keys: dict[str, dict[ObjectKey, None]] = {}

    def move(self, key: ObjectKey, old: Obj | None, new: Obj | None) -> None:
        before = set(self.function(old)) if old is not None else set()
        after = set(self.function(new)) if new is not None else set()
        for value in before - after:
            bucket = self.keys[value]
            bucket.pop(key, None)
            if not bucket:
                del self.keys[value]
        for value in after - before:
            self.keys.setdefault(value, {})[key] = None


class Informer:
    """See the module. `run()` goes on until cancelled; `synced` is set after the first full list."""

    def __init__(
        self,
        client: Client,
        gvr: GroupVersionResource,
        clock: Clock,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> None:
        self.gvr = gvr
        self.synced = asyncio.Event()
        self._client, self._clock = client, clock
        self._namespace, self._labels, self._fields = namespace, label_selector, field_selector
        self._objects: dict[ObjectKey, Obj] = {}
        self._indexes: dict[str, Index] = {}
        self._handlers: list[Handler] = []
        self._revision = ""

    # -- reading ---------------------------------------------------------------------------------------------

    def get(self, name: str, namespace: str = "") -> Obj | None:
        return self._objects.get(ObjectKey(namespace, name))

    def __contains__(self, key: object) -> bool:
        return key in self._objects

    def __len__(self) -> int:
        return len(self._objects)

    def list(self, namespace: str = "") -> Objects:
        """All objects, or those of one namespace."""
        if not namespace:
            return [*self._objects.values()]
        self.add_index("namespace", _by_namespace)
        return self.by_index("namespace", namespace)

    def by_index(self, name: str, value: str) -> Objects:
        return [self._objects[key] for key in self._indexes[name].keys.get(value, ())]

    # -- wiring ----------------------------------------------------------------------------------------------

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Define an index once; a second definition under the same name is ignored."""
        if name in self._indexes:
            return
        index = self._indexes[name] = Index(function)
        for key, obj in self._objects.items():
            index.move(key, None, obj)

    def add_handler(self, handler: Handler) -> None:
        """Called for every change from now on, and at once for what is here already."""
        self._handlers.append(handler)
        for obj in [*self._objects.values()]:
            handler(None, obj)

    def remove_handler(self, handler: Handler) -> None:
        self._handlers.remove(handler)

    # -- following -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        delay = _FIRST_DELAY
        while True:
            try:
                if not self._revision:
                    await self._relist()
                    delay = _FIRST_DELAY
                if await self._follow():
                    delay = _FIRST_DELAY
                    continue
            except StatusError as error:
                if error.code == 410:
                    self._revision = ""
                    continue
                log.debug("%s: %s", self.gvr.resource, error)
            except OSError as error:
                log.debug("%s: %s", self.gvr.resource, error)
            await self._clock.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    async def _follow(self) -> bool:
        """One watch to its end; whether it brought anything."""
        stream = self._client.watch(
            self.gvr,
            self._namespace,
            resource_version=self._revision,
            label_selector=self._labels,
            field_selector=self._fields,
        )
        moved = False
        async with aclosing(cast(Any, stream)) as events:
            async for event in events:
                self._apply(event)
                moved = True
        return moved

    def _apply(self, event: WatchEvent) -> None:
        obj = event.object
        if event.type == "DELETED":
            self._change(key_of(obj), None, obj)
        elif event.type != "BOOKMARK":
            self._change(key_of(obj), obj)
        self._revision = (obj.get("metadata") or {}).get("resourceVersion") or self._revision

    def _change(self, key: ObjectKey, new: Obj | None, last: Obj | None = None) -> None:
        """Move the copy; `last` is the final state of a deleted object, newer than the one kept."""
        old = self._objects.get(key)
        if new is None:
            if old is None:
                return
            del self._objects[key]
        else:
            self._objects[key] = new
        for index in self._indexes.values():
            index.move(key, old, new)
        self._tell(old if last is None else last, new)

    def _tell(self, old: Obj | None, new: Obj | None) -> None:
        for handler in [*self._handlers]:
            try:
                handler(old, new)
            except Exception:
                log.exception("%s: a handler failed", self.gvr.resource)

    async def _relist(self) -> None:
        items, revision = await self._list_all()
        fresh = {key_of(obj): obj for obj in items}
        for key in [key for key in self._objects if key not in fresh]:
            self._change(key, None)
        for key, obj in fresh.items():
            old = self._objects.get(key)
            if old is None or old["metadata"].get("resourceVersion") != obj["metadata"].get("resourceVersion"):
                self._replace(key, old, obj)
        self._revision = revision
        self.synced.set()

    def _replace(self, key: ObjectKey, old: Obj | None, new: Obj) -> None:
        """Another uid under the same name was deleted and made again while nobody looked."""
        if old is not None and old["metadata"].get("uid") != new["metadata"].get("uid"):
            self._change(key, None)
        self._change(key, new)

    async def _list_all(self) -> tuple[Objects, str]:
        items: Objects = []
        token = ""
        while True:
            page = await self._client.list(
                self.gvr,
                self._namespace,
                label_selector=self._labels,
                field_selector=self._fields,
                limit=_PAGE,
                continue_token=token,
            )
            items += page.items
            token = page.continue_token
            if not token:
                return items, page.resource_version


def _by_namespace(obj: Obj) -> Iterable[str]:
    return (obj["metadata"].get("namespace") or "",)


class Informers:
    """One informer a resource, shared by all who ask; started by `run`, also those asked for later."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._informers: dict[GroupVersionResource, Informer] = {}
        self._tasks: dict[GroupVersionResource, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    def of(self, gvr: GroupVersionResource) -> Informer:
        informer = self._informers.get(gvr)
        if informer is None:
            informer = self._informers[gvr] = Informer(self._client, gvr, self._clock)
            self._start(informer)
        return informer

    def _start(self, informer: Informer) -> None:
        if self._group is not None:
            self._tasks[informer.gvr] = self._group.create_task(
                informer.run(), name=f"informer {informer.gvr.resource}"
            )

    async def forget(self, gvr: GroupVersionResource) -> None:
        """Stop following a resource (whose definition is gone)."""
        self._informers.pop(gvr, None)
        task = self._tasks.pop(gvr, None)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for informer in [*self._informers.values()]:
                    self._start(informer)
                await asyncio.Event().wait()
            finally:
                self._group = None

    async def synced(self) -> None:
        """Wait until every informer asked for so far has listed once."""
        for informer in [*self._informers.values()]:
            await informer.synced.wait()
