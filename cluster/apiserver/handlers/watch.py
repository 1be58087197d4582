"""Watching over HTTP: initial state, then changes as they happen, bookmarks, a time limit.

While the initial events go out at the client's pace, changes wait in a list; after that they are written straight
from the watch cache. A client that lets more than `SLOW` bytes pile up is cut off and resumes from where it was:
nothing more is put aside for it, and what it has not taken `LINGER` seconds later is thrown away with its connection.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from cluster.apiserver.codecs.encode import watch_frame
from cluster.apiserver.handlers import tables
from cluster.apiserver.handlers.accept import JSON, Wanted
from cluster.apiserver.http.messages import Response, Writer
from cluster.apiserver.registry.cache import ADDED, DELETED, Change, Watch, states
from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.options import ReadOptions, parse_revision, revision_error
from cluster.apiserver.registry.read import not_ready
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.storage.interface import StoreUnavailable

SLOW = 8 << 20
LINGER = 10.0
_HIGH_WATER = 1 << 16
BOOKMARK_EVERY = 60.0
INITIAL_END = "k8s.io/initial-events-end"


async def watch(ctx: Context, registry: Registry, options: ReadOptions, wanted: Wanted, include: str) -> Response:
    """The streaming response; raises 400, 410, 500, 504."""
    frames = Frames(registry, wanted, include)
    session = WatchSession(registry, ctx.info.namespace, options, frames, ctx.initialized)
    session.prepare()
    if registry.by_webhook:
        await session.convertible()
    return Response(200, content_type=wanted.watch_content_type, stream=session.send)


class Frames:
    """How changes become bytes for one watcher."""

    def __init__(self, registry: Registry, wanted: Wanted, include: str) -> None:
        self._registry = registry
        self._wanted = wanted
        self._include = include
        self._shared = not wanted.transform and wanted.media == JSON
        self._view = registry.view if registry.converts else None
        self._first = True

    def change(self, type: str, change: Change) -> bytes:
        if self._shared:
            return change.frame(type, self._registry.head, self._view)
        entry = change.left() if type == DELETED and change.type != DELETED else change.entry
        return self.entry(type, entry)

    def entry(self, type: str, entry: Entry) -> bytes:
        if self._shared:
            tail = self._registry.tail(entry)
            return b'{"type":"%b","object":%b%b}\n' % (type.encode(), self._registry.head, tail)
        return self._framed({"type": type, "object": self._shaped(entry)})

    def bookmark(self, revision: int, *, initial_end: bool) -> bytes:
        meta: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        meta.pop("creationTimestamp")
        if initial_end:
            meta["annotations"] = {INITIAL_END: "true"}
        kind = self._registry.kind
        if self._wanted.transform == "Table":
            table_meta = {"resourceVersion": str(revision)}
            obj: dict[str, Any] = tables.table(self._registry, [], self._wanted.version, table_meta, self._include)
            obj["columnDefinitions"], obj["rows"] = (
                self._columns(obj),
                [{"cells": self._blank(), "object": self._empty(meta)}],
            )
        elif self._wanted.transform:
            obj = {
                "kind": "PartialObjectMetadata",
                "apiVersion": f"meta.k8s.io/{self._wanted.version}",
                "metadata": meta,
            }
        else:
            obj = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}
        return self._framed({"type": "BOOKMARK", "object": obj})

    def error(self, error: StatusError) -> bytes:
        return self._framed({"type": "ERROR", "object": error.status()})

    def _empty(self, meta: dict[str, Any]) -> dict[str, Any]:
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": f"meta.k8s.io/{self._wanted.version}",
            "metadata": meta,
        }

    def _blank(self) -> list[Any]:
        """A bookmark is printed as an object with nothing in it."""
        layout = self._registry.kind.table or tables.PLAIN
        return layout.cells({"metadata": {}}, self._registry.services.clock.now())

    def _columns(self, table: dict[str, Any]) -> Any:
        columns = table["columnDefinitions"] if self._first else None
        self._first = False
        return columns

    def _shaped(self, entry: Entry) -> dict[str, Any]:
        if self._wanted.transform == "Table":
            meta = {"resourceVersion": str(entry.revision)}
            first, self._first = self._first, False
            return tables.table(self._registry, [entry], self._wanted.version, meta, self._include, headed=first)
        obj = self._registry.present(entry)
        if self._wanted.transform:
            return tables.partial(obj, self._wanted.version)
        from cluster.apiserver.handlers.render import whole

        return whole(self._registry, entry)

    def _framed(self, event: dict[str, Any]) -> bytes:
        return watch_frame(event["type"], event["object"], self._wanted, self._registry.services.schema)


class WatchSession:
    """One watch request."""

    def __init__(
        self,
        registry: Registry,
        namespace: str,
        options: ReadOptions,
        frames: Frames,
        initialized: Callable[[], None],
    ) -> None:
        """`initialized` is called when the initial state has been told."""
        self._initialized = initialized
        self._registry = registry
        self._options = options
        self._frames = frames
        match, name = registry.matcher(options.label_selector, options.field_selector, namespace)
        if options.field_selector and name and options.field_selector == f"metadata.name={name}":
            match = None if not options.label_selector else match
        self._watch = Watch(namespace if registry.kind.namespaced else "", name, match, self._queue, self._end)
        self._registered = self._watch.raw(self._happened) if registry.by_webhook else self._watch
        self._happening: list[Change] = []
        self._wake: asyncio.Future[None] | None = None
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._writer: Writer | None = None
        self._done: asyncio.Future[None] | None = None
        self._too_old = False
        self._from = 0
        self._initial = False

    def prepare(self) -> None:
        """Check where to begin; raises 410 (as a frame, for watches), 500."""
        options, feed = self._options, self._registry.services.feed
        try:
            self._from = parse_revision(options.resource_version)
        except ValueError as error:
            raise revision_error(error, in_list=False) from None
        if self._registry.cache.unreadable:
            self._registry.refuse_unreadable(cached=True)
        if options.send_initial is not None:
            self._initial = options.send_initial
        else:
            self._initial = self._from == 0
        if not self._initial and self._from == 0:
            self._from = feed.revision
        self._too_old = not self._initial and self._from < self._registry.cache.floor

    async def send(self, writer: Writer) -> None:
        if self._too_old:
            floor = self._registry.cache.floor
            writer.write(self._frames.error(errors.expired(f"too old resource version: {self._from} ({floor})")))
            return
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        clock = self._registry.services.clock
        ends = clock.call_later(self._lasts(), self._finish)
        writer.closed.add_done_callback(self._client_gone)
        ticking = clock.call_later(BOOKMARK_EVERY, self._tick) if self._options.bookmarks else None
        self._ticking = ticking
        try:
            self._registry.services.feed.watches.add(self._finish)
            if self._initial and not self._options.resource_version and self._registry.services.feed.shared:
                with suppress(StoreUnavailable):
                    await self._or_end(self._registry.services.feed.fresh())
            await self._begin(writer)
            self._initialized()
            if self._registry.by_webhook:
                await self._follow()
            await self._done
        except StatusError as error:
            writer.write(self._frames.error(error))
        finally:
            self._registry.services.feed.watches.discard(self._finish)
            self._registry.cache.remove_watch(self._registered)
            ends.cancel()
            if self._ticking is not None:
                self._ticking.cancel()
        # A TimeoutError cuts the connection: the status line has gone out.
        async with asyncio.timeout(LINGER):
            await writer.drain()

    _ticking: Any = None

    async def _begin(self, writer: Writer) -> None:
        """Initial state at the client's pace, then what has queued up meanwhile, then live."""
        cache, feed = self._registry.cache, self._registry.services.feed
        if self._initial and self._from > feed.revision:
            # The state asked for lies ahead.
            await self._or_end(feed.reached(self._from))
        await self._registry.ready_now(self._concerned)
        frames = self._initial_frames() if self._initial else self._missed_frames()
        if self._initial:
            self._from = feed.revision
        cache.add_watch(self._registered)
        self._registry.told += len(frames)
        for frame in frames:
            writer.write(frame)
            if writer.queued > _HIGH_WATER:
                await self._or_end(writer.drain())
                if self._future().done():
                    return
        while self._pending and not self._future().done():
            taken, self._pending, self._pending_bytes = self._pending, [], 0
            for frame in taken:
                writer.write(frame)
            await self._or_end(writer.drain())
        if self._initial and self._options.send_initial and self._options.bookmarks:
            writer.write(self._frames.bookmark(feed.revision, initial_end=True))
        self._writer = writer

    async def _or_end(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Wait, but no longer than the watch lasts."""
        task = asyncio.ensure_future(waiting)
        try:
            await asyncio.wait((task, self._future()), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
        finally:
            task.cancel()

    def _future(self) -> asyncio.Future[None]:
        assert self._done is not None
        return self._done

    async def convertible(self) -> None:
        """Raises 429 where what is there cannot be converted, as Kubernetes' cache is not ready then."""
        try:
            await self._registry.ready_now(self._concerned)
        except StatusError as error:
            raise not_ready(self._registry, error) from None

    def _concerned(self) -> list[Entry]:
        """The states that the watch begins with, where a webhook converts them."""
        if not self._registry.by_webhook or self._too_old:
            return []
        cache, watch = self._registry.cache, self._watch
        if self._initial:
            return [cache.entries[k] for k in cache.keys(watch.namespace) if watch.covers(k)]
        return states(change for change in cache.since(self._from) if watch.covers(change.entry.key))

    def _happened(self, _: str, change: Change) -> None:
        """Put aside what has to be converted before it is known whether it concerns the watch."""
        self._happening.append(change)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _follow(self) -> None:
        """Convert what happens, in order, until the watch ends; so it does when the definition changes."""
        kinds = self._registry.services.kinds
        while not self._future().done() and kinds.by_gvr(self._registry.kind.gvr) is self._registry.kind:
            if not self._happening:
                self._wake = asyncio.get_running_loop().create_future()
                await asyncio.wait((self._wake, self._future()), return_when=asyncio.FIRST_COMPLETED)
                continue
            taken, self._happening = self._happening, []
            await self._or_end(self._registry.ready(states(taken)))
            for change in taken:
                type = self._watch.sees(change)
                if type and not self._future().done():
                    self._queue(type, change)
        self._finish()

    def _initial_frames(self) -> list[bytes]:
        cache, watch = self._registry.cache, self._watch
        entries = [cache.entries[k] for k in cache.keys(watch.namespace) if watch.covers(k)]
        return [self._frames.entry(ADDED, e) for e in entries if watch.match is None or watch.match(e)]

    def _missed_frames(self) -> list[bytes]:
        out = []
        for change in self._registry.cache.since(self._from):
            if self._watch.covers(change.entry.key):
                type = self._watch.sees(change)
                if type:
                    out.append(self._frames.change(type, change))
        return out

    def _queue(self, type: str, change: Change) -> None:
        if change.revision <= self._from:
            return
        frame = self._frames.change(type, change)
        self._registry.told += 1
        if self._writer is None:
            self._pending.append(frame)
            self._pending_bytes += len(frame)
            queued = self._pending_bytes
        else:
            self._writer.write(frame)
            queued = self._writer.queued
        if queued > SLOW:
            self._end()

    def _end(self) -> None:
        """Cut off, at once: no change after this one is put aside."""
        self._registry.cache.remove_watch(self._registered)
        self._finish()

    def _tick(self) -> None:
        if self._writer is not None and not self._writer.queued:
            revision = self._registry.services.feed.revision
            self._writer.write(self._frames.bookmark(revision, initial_end=False))
        self._ticking = self._registry.services.clock.call_later(BOOKMARK_EVERY, self._tick)

    def _lasts(self) -> float:
        if self._options.timeout:
            return float(self._options.timeout)
        # A random time, so that not all end together.
        shortest = self._registry.services.shortest_watch
        return random.uniform(shortest, 2 * shortest)

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _client_gone(self, _: object) -> None:
        self._finish()
