"""Events: saying what a component did to an object, without flooding the API.

Two ways exist upstream and both are kept. `Recorder.event` is the older one of the controllers: repeats of the same
message raise `count`, more than nine different messages of one reason within ten minutes are combined into one,
and one source may speak 25 times about one object, then once in five minutes. `Recorder.action` is the newer one
of the scheduler: an `action`, an `eventTime` and, for repeats, a `series`. Both are core/v1 Events.

Recording never waits and never fails: events go through one queue and a write that fails is dropped after a few
tries.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cluster.client.interface import Client
from cluster.machinery.clock import Clock, rfc3339, rfc3339_micro
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.types import GroupVersionKind, GroupVersionResource, Obj

EVENTS = GroupVersionResource("", "v1", "events")
NORMAL, WARNING = "Normal", "Warning"

log = logging.getLogger(__name__)
_CACHE = 4096
_SIMILAR_LIMIT, _SIMILAR_SECONDS = 10, 600.0
_BURST, _REFILL_SECONDS = 25, 300.0
_SERIES_SECONDS = 360.0
_COMBINED = "(combined from similar events): "


@dataclass(slots=True)
class _Similar:
    messages: set[str] = field(default_factory=set)
    last: float = 0.0


@dataclass(slots=True)
class _Seen:
    name: str
    count: int
    first: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    last: float


def reference(obj: Obj, gvk: GroupVersionKind) -> dict[str, str]:
    """An ObjectReference; `gvk` is given as listed objects do not always carry theirs."""
    meta = obj["metadata"]
    out = {"kind": gvk.kind, "apiVersion": gvk.api_version}
    for source in ("namespace", "name", "uid", "resourceVersion"):
        if meta.get(source):
            out[source] = meta[source]
    return out


class Correlator:
    """What becomes of an event of the older kind: dropped, written, or counted upon one written before. Pure but
    for its memory."""

    def __init__(self) -> None:
        self._similar: OrderedDict[tuple[str, ...], _Similar] = OrderedDict()
        self._seen: OrderedDict[tuple[str, ...], _Seen] = OrderedDict()
        self._buckets: OrderedDict[tuple[str, ...], _Bucket] = OrderedDict()

    def correlate(self, event: Obj, now: float) -> tuple[Obj, bool] | None:
        """The event to write and whether it is a repeat; None when the source speaks too much."""
        about = _about(event)
        if not self._allowed(about, now):
            return None
        event, key = self._combine(event, about, now)
        seen = self._seen.pop(key, None)
        if seen is None:
            seen = _Seen(event["metadata"]["name"], 0, now)
        seen.count += 1
        self._remember(self._seen, key, seen)
        if seen.count > 1:
            event["metadata"]["name"] = seen.name
            event["firstTimestamp"] = rfc3339(seen.first)
            event["count"] = seen.count
        return event, seen.count > 1

    def _allowed(self, about: tuple[str, ...], now: float) -> bool:
        bucket = self._buckets.pop(about, None) or _Bucket(_BURST, now)
        bucket.tokens = min(_BURST, bucket.tokens + (now - bucket.last) / _REFILL_SECONDS)
        bucket.last = now
        self._remember(self._buckets, about, bucket)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _combine(self, event: Obj, about: tuple[str, ...], now: float) -> tuple[Obj, tuple[str, ...]]:
        group = (*about, event["type"], event["reason"])
        exact = (*group, event["involvedObject"].get("fieldPath", ""), event["message"])
        similar = self._similar.pop(group, None)
        if similar is None or now - similar.last > _SIMILAR_SECONDS:
            similar = _Similar()
        similar.last = now
        similar.messages.add(event["message"])
        self._remember(self._similar, group, similar)
        if len(similar.messages) < _SIMILAR_LIMIT:
            return event, exact
        similar.messages.pop()
        return event | {"message": _COMBINED + event["message"]}, group

    @staticmethod
    def _remember(cache: OrderedDict[tuple[str, ...], Any], key: tuple[str, ...], value: Any) -> None:
        cache[key] = value
        if len(cache) > _CACHE:
            cache.popitem(last=False)

    def forget(self, event: Obj) -> None:
        """The written event is gone; the next repeat is a first again."""
        for key, seen in [*self._seen.items()]:
            if seen.name == event["metadata"]["name"]:
                del self._seen[key]


def _about(event: Obj) -> tuple[str, ...]:
    ref = event["involvedObject"]
    return (event["source"].get("component", ""), *(ref.get(k, "") for k in ("kind", "namespace", "name", "uid")))


class EventSink:
    """The queue all recorders of a process write through. `run()` writes; `recorder(component)` speaks."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._queue: deque[Callable[[], Awaitable[None]]] = deque()
        self._filled = asyncio.Event()
        self._correlator = Correlator()
        self._series: OrderedDict[tuple[str, ...], dict[str, Any]] = OrderedDict()
        self._last_stamp = 0

    def recorder(self, component: str, instance: str = "") -> Recorder:
        return Recorder(self, component, instance)

    @property
    def idle(self) -> bool:
        return not self._queue

    async def run(self) -> None:
        while True:
            await self._filled.wait()
            while self._queue:
                try:
                    await self._queue[0]()
                except (StatusError, OSError) as error:
                    log.debug("event dropped: %s", error)
                except Exception:
                    log.exception("event dropped")
                self._queue.popleft()
            self._filled.clear()

    def _put(self, write: Callable[[], Awaitable[None]]) -> None:
        self._queue.append(write)
        self._filled.set()

    def stamp(self) -> int:
        """Nanoseconds, never the same twice: part of an event's name."""
        self._last_stamp = max(self._last_stamp + 1, int(self._clock.now() * 1e9))
        return self._last_stamp

    def put(self, event: Obj) -> None:
        found = self._correlator.correlate(event, self._clock.now())
        if found is not None:
            self._put(partial(self._write, *found))

    def put_action(self, event: Obj) -> None:
        key = (
            event["reportingComponent"],
            event["type"],
            event["action"],
            event["reason"],
            str(event["involvedObject"]),
        )
        now = self._clock.now()
        known = self._series.get(key)
        if known is None or now - known["_at"] > _SERIES_SECONDS:
            self._series[key] = {"_at": now, "event": event, "count": 1}
            if len(self._series) > _CACHE:
                self._series.popitem(last=False)
            self._put(partial(self._create, event))
            return
        known["_at"] = now
        known["count"] += 1
        if known["count"] == 2:
            series = {"series": {"count": 2, "lastObservedTime": rfc3339_micro(now)}}
            self._put(partial(self._patch, known["event"], series))

    async def _write(self, event: Obj, repeat: bool) -> None:
        if not repeat:
            await self._create(event)
            return
        body = {k: event[k] for k in ("count", "lastTimestamp", "message")}
        try:
            await self._patch(event, body)
        except StatusError as error:
            if not is_not_found(error):
                raise
            self._correlator.forget(event)
            await self._create(event)

    async def _create(self, event: Obj) -> None:
        await self._client.create(EVENTS, event, event["metadata"]["namespace"])

    async def _patch(self, event: Obj, body: dict[str, Any]) -> None:
        meta = event["metadata"]
        await self._client.patch(EVENTS, meta["name"], meta["namespace"], body)


class Recorder:
    """Speaks for one component. `about` objects are wire dicts with the kind they are of."""

    __slots__ = ("_component", "_instance", "_sink")

    def __init__(self, sink: EventSink, component: str, instance: str) -> None:
        self._sink, self._component, self._instance = sink, component, instance

    def event(self, about: Obj, gvk: GroupVersionKind, type_: str, reason: str, message: str) -> None:
        self.event_ref(reference(about, gvk), type_, reason, message)

    def event_ref(self, ref: dict[str, str], type_: str, reason: str, message: str) -> None:
        """As `event`, for an object known by its reference alone."""
        now = rfc3339(self._sink._clock.now())
        self._sink.put(
            self._skeleton(ref, type_, reason, message)
            | {
                "source": {"component": self._component},
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
                "eventTime": None,
            }
        )

    def action(
        self,
        about: Obj,
        gvk: GroupVersionKind,
        type_: str,
        reason: str,
        action: str,
        message: str,
        *,
        related: Any = None,
    ) -> None:
        event = self._skeleton(reference(about, gvk), type_, reason, message) | {
            "eventTime": rfc3339_micro(self._sink._clock.now()),
            "action": action,
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
        }
        if related is not None:
            event["related"] = related
        self._sink.put_action(event)

    def _skeleton(self, ref: dict[str, str], type_: str, reason: str, message: str) -> Obj:
        name = f"{ref['name']}.{self._sink.stamp():x}"
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": ref.get("namespace") or "default"},
            "involvedObject": ref,
            "reason": reason,
            "message": message[:1024],
            "type": type_,
            "reportingComponent": self._component,
            "reportingInstance": self._instance,
        }
