"""Keeping the division as the objects say, and the objects as they must be.

The consumer follows FlowSchemas and PriorityLevelConfigurations, gives them to `Levels`, and tells on each schema
whether its level is there (condition Dangling). The producer puts back, at the start and every minute, what must exist
and has been changed: the mandatory objects always, the suggested ones as long as nobody has taken them over (annotation
`apf.kubernetes.io/autoupdate-spec`).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cluster.apiserver import bootstrap_flow
from cluster.apiserver.bootstrap_flow import AUTO_UPDATE, CONSUMER, LEVELS, MANDATORY, PRODUCER, SCHEMAS
from cluster.apiserver.flowcontrol.levels import PERIOD, Levels
from cluster.apiserver.registry.cache import Change, Watch
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.times import seconds
from cluster.meta.types import GroupVersionResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.registry.feed import Feed
    from cluster.client.interface import Client
    from cluster.machinery.clock import Clock

_log = logging.getLogger(__name__)
PUT_BACK_EVERY = 60.0
_MOST_A_MINUTE = 5
"""Writes of one schema's status a minute: servers of two versions could fight over a text."""


class ConfigConsumer:
    """`start` once the feed is loaded; `run` for as long as the server lives."""

    def __init__(self, levels: Levels, feed: Feed, client: Client, clock: Clock) -> None:
        self._levels = levels
        self._feed = feed
        self._client = client
        self._clock = clock
        self._changed = asyncio.Event()
        self._written: dict[str, list[float]] = {}

    def start(self) -> None:
        for resource in (LEVELS, SCHEMAS):
            self._feed.cache(resource.group_resource).add_watch(Watch("", "", None, self._seen))
        self.configure()

    def configure(self) -> None:
        levels, schemas = (self._feed.all(r.group_resource) for r in (LEVELS, SCHEMAS))
        self._levels.configure(levels, schemas, self._clock.now())

    async def run(self) -> None:
        adjusting = asyncio.create_task(self._adjust(), name="apiserver-flow-adjustment")
        try:
            while True:
                self._changed.clear()
                self.configure()
                await self.tell()
                await self._changed.wait()
        finally:
            adjusting.cancel()

    async def tell(self) -> None:
        """Write the conditions that are not true any more."""
        known = {level["metadata"]["name"] for level in self._feed.all(LEVELS.group_resource)}
        async with asyncio.TaskGroup() as group:
            for schema in self._feed.all(SCHEMAS.group_resource):
                wanted = bootstrap_flow.condition(schema["spec"]["priorityLevelConfiguration"]["name"], known)
                if not _told(schema, wanted) and self._may_write(schema["metadata"]["name"]):
                    group.create_task(self._write(schema["metadata"]["name"], wanted))

    def _seen(self, _: str, __: Change) -> None:
        self._changed.set()

    def _may_write(self, name: str) -> bool:
        now = self._clock.now()
        times = self._written[name] = [at for at in self._written.get(name, ()) if now - at < 60]
        if len(times) >= _MOST_A_MINUTE:
            return False
        times.append(now)
        return True

    async def _write(self, name: str, condition: Obj) -> None:
        condition = {**condition, "lastTransitionTime": seconds(self._clock.now())}
        patch = {"apiVersion": f"{SCHEMAS.group}/v1", "kind": "FlowSchema", "metadata": {"name": name}}
        try:
            await self._client.patch(
                SCHEMAS, name, "", {**patch, "status": {"conditions": [condition]}},
                patch_type="application/apply-patch+yaml", subresource="status", field_manager=CONSUMER, force=True,
            )  # fmt: skip
        except StatusError as error:
            if not errors.is_not_found(error):
                _log.warning("the condition of flow schema %s could not be written: %s", name, error)

    async def _adjust(self) -> None:
        while True:
            await self._clock.sleep(PERIOD)
            self._levels.adjust(self._clock.now())


class ConfigProducer:
    """See the module."""

    def __init__(self, feed: Feed, client: Client, clock: Clock) -> None:
        self._feed = feed
        self._client = client
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self._clock.sleep(PUT_BACK_EVERY)
            try:
                await self.put_back()
            except StatusError as error:
                _log.warning("a flow schema or priority level could not be put back: %s", error)

    async def put_back(self) -> None:
        """Raises StatusError."""
        async with asyncio.TaskGroup() as group:
            for gvr, wanted in bootstrap_flow.objects():
                group.create_task(self._ensure(gvr, wanted))
        for gvr in (LEVELS, SCHEMAS):
            await self._remove_strangers(gvr)

    async def _ensure(self, gvr: GroupVersionResource, wanted: Obj) -> None:
        held = self._feed.get(gvr.group_resource, "", wanted["metadata"]["name"])
        try:
            if held is None:
                await self._client.create(gvr, clone(wanted))
                return
            better = revised(held, wanted)
            if better is not None:
                await self._client.update(gvr, better)
        except StatusError as error:
            if not errors.is_conflict(error) and not errors.is_already_exists(error):
                raise

    async def _remove_strangers(self, gvr: GroupVersionResource) -> None:
        """What an older version suggested and this one does not, while nobody has taken it over."""
        suggested = {obj["metadata"]["name"] for kind, obj in bootstrap_flow.objects() if kind == gvr}
        for obj in self._feed.all(gvr.group_resource):
            meta = obj["metadata"]
            if meta["name"] not in suggested and (meta.get("annotations") or {}).get(AUTO_UPDATE) == "true":
                await self._client.delete(gvr, meta["name"])


def revised(held: Obj, wanted: Obj) -> Obj | None:
    """The object as it must be; None when it is. What a user has taken over keeps its spec."""
    said = (held["metadata"].get("annotations") or {}).get(AUTO_UPDATE)
    ours = held["metadata"]["name"] in MANDATORY or _agreed(said, held["metadata"].get("generation"))
    changed = ours and not _covers(wanted["spec"], held["spec"])
    if not changed and said == ("true" if ours else "false"):
        return None
    out = clone(held)
    if changed:
        out["spec"] = clone(wanted["spec"])
    out["metadata"].setdefault("annotations", {})[AUTO_UPDATE] = "true" if ours else "false"
    return out


def _agreed(said: str | None, generation: int | None) -> bool:
    if said in ("true", "false"):
        return said == "true"
    return generation == 1


def _covers(wanted: object, held: object) -> bool:
    """Whether `held` says all that `wanted` says: defaults may have been added."""
    if isinstance(wanted, dict) and isinstance(held, dict):
        return all(key in held and _covers(value, held[key]) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(held, list):
        return len(wanted) == len(held) and all(map(_covers, wanted, held))
    return wanted == held


def _told(schema: Obj, wanted: Obj) -> bool:
    conditions = (schema.get("status") or {}).get("conditions") or ()
    held = next((c for c in conditions if c.get("type") == wanted["type"]), None)
    return held is not None and all(held.get(key) == value for key, value in wanted.items())


__all__ = ["CONSUMER", "PRODUCER", "PUT_BACK_EVERY", "ConfigConsumer", "ConfigProducer", "revised"]
