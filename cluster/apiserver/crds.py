"""Custom resources: every CustomResourceDefinition in the store becomes served kinds, and goes with its objects.

Follows the watch feed, so that a definition is served before the answer to its creation is out, and again after a
restart. What it decides (names, establishing, clean-up) it writes as the server itself, a moment later. It must not
know how kinds are made of definitions (cluster.kinds.custom) nor which names are accepted (acceptance).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cluster.apiserver.registry.cache import DELETED, Change, Watch
from cluster.kinds.apiextensions.acceptance import FINALIZER, accepted_status, holds, terminating
from cluster.kinds.kind import Convert, Kind
from cluster.meta import errors
from cluster.meta.objects import clone
from cluster.meta.times import seconds
from cluster.meta.types import GroupResource, GroupVersionResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

CRDS = GroupResource("apiextensions.k8s.io", "customresourcedefinitions")
_log = logging.getLogger(__name__)
_PATIENCE = 8
_GVR = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")


class CustomResources:
    """`start` serves what is stored; `run` must be a task for as long as the server lives."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._rules: Any = None
        self._served: dict[str, tuple[Obj, list[Kind]]] = {}
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._leaving: dict[str, Callable[[], None]] = {}
        self._failures: dict[str, int] = {}

    def start(self) -> None:
        feed = self._server.feed
        feed.cache(CRDS).add_watch(Watch("", "", None, self._happened))
        for crd in feed.all(CRDS):
            self._follow(crd)

    async def run(self) -> None:
        while True:
            name = await self._queue.get()
            try:
                await self._reconcile(name)
                self._failures.pop(name, None)
            except errors.StatusError as error:
                if not errors.is_not_found(error):
                    self._again(name, error)
            except Exception as error:
                _log.exception("definition %s", name)
                self._again(name, error)

    def _again(self, name: str, error: Exception) -> None:
        """Look again soon where somebody else has just written, later and later where that does not help."""
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        if failures == _PATIENCE:
            _log.warning("definition %s cannot be settled: %s", name, error)
        delay = min(0.05 * 2 ** min(failures, 20), 60.0)
        asyncio.get_running_loop().call_later(delay, self._queue.put_nowait, name)

    # Serving.

    def _happened(self, type: str, change: Change) -> None:
        crd = change.entry.obj
        if type == DELETED:
            self._withdraw(crd["metadata"]["name"])
            self._queue_group(crd["spec"]["group"])
        else:
            self._follow(crd)

    def _queue_group(self, group: str) -> None:
        """Names have become free: others of the group may have waited for them."""
        for other in self._server.feed.all(CRDS):
            if other["spec"]["group"] == group and not holds(other, "NamesAccepted"):
                self._follow(other)

    def _follow(self, crd: Obj) -> None:
        """Serve a definition as it is now, and have its status written where it says something else."""
        name = crd["metadata"]["name"]
        status = self._status(crd)
        if status != crd.get("status") or crd["metadata"].get("deletionTimestamp"):
            self._queue.put_nowait(name)
        about = {**crd, "status": status}
        if not holds(about, "Established"):
            self._withdraw(name)
            return
        self._serve(name, about)

    def _status(self, crd: Obj) -> Obj:
        if crd["metadata"].get("deletionTimestamp"):
            return crd.get("status") or {}
        others = [self._decided(other) for other in self._server.feed.all(CRDS)]
        return accepted_status(crd, others, self._now())

    def _decided(self, crd: Obj) -> Obj:
        """A definition with the names it has been given, which its stored status may not say yet."""
        held = self._served.get(crd["metadata"]["name"])
        return crd if held is None else {**crd, "status": {"acceptedNames": held[0]["names"]}}

    def _serve(self, name: str, crd: Obj) -> None:
        leaving = bool(crd["metadata"].get("deletionTimestamp"))
        mark: Obj = {"spec": crd["spec"], "names": crd["status"]["acceptedNames"], "leaving": leaving}
        mark["stored"] = crd["status"].get("storedVersions")
        held = self._served.get(name)
        if held is not None and held[0] == mark:
            return
        try:
            from cluster.kinds.custom import kinds_of

            kinds = kinds_of(crd, self._rules_for(crd), self._webhook_of(crd))
        except (ValueError, LookupError, TypeError) as error:
            # What cannot be served must not stop the feed that everything else lives on.
            _log.error("definition %s is not served: %s", name, error)
            self._withdraw(name)
            return
        if leaving:
            kinds = [_leaving(kind) for kind in kinds]
        elif held is None:
            self._begin(kinds, int(crd["metadata"].get("resourceVersion") or 0))
        now = {kind.gvk for kind in kinds}
        for gone in held[1] if held else ():
            if gone.gvk not in now:
                self._server.kinds.remove(gone.gvk)
        self._server.kinds.add(kinds)
        self._served[name] = (mark, kinds)

    def _begin(self, kinds: list[Kind], revision: int) -> None:
        """Objects of a new kind cannot be watched from before there was the kind."""
        for kind in kinds:
            cache = self._server.feed.cache(kind.storage_resource)
            if not cache.entries:
                cache.floor = max(cache.floor, self._server.feed.revision, revision)

    def _rules_for(self, crd: Obj) -> Any:
        """Only a schema with rules brings in the evaluator."""
        from cluster.kinds.custom import has_rules, no_rules

        if not has_rules(crd["spec"]):
            return no_rules
        if self._rules is None:
            from cluster.kinds.custom_rules import CelRules

            self._rules = CelRules()
        return self._rules

    def _webhook_of(self, crd: Obj) -> Convert | None:
        """Only a definition with a webhook brings in what calls it."""
        conversion = crd["spec"].get("conversion") or {}
        if conversion.get("strategy") != "Webhook":
            return None
        from cluster.apiserver.conversion import ConversionWebhook

        return ConversionWebhook(conversion["webhook"], self._server.webhooks)

    def _withdraw(self, name: str) -> None:
        held = self._served.pop(name, None)
        for kind in held[1] if held else ():
            self._server.kinds.remove(kind.gvk)
        stop = self._leaving.pop(name, None)
        if stop is not None:
            stop()

    # Writing.

    def _now(self) -> str:
        return seconds(self._server.clock.now())

    async def _reconcile(self, name: str) -> None:
        crd = self._server.feed.get(CRDS, "", name)
        if crd is None:
            return
        if crd["metadata"].get("deletionTimestamp"):
            await self._clean_up(name, clone(crd))
            return
        status = self._status(crd)
        if status != crd.get("status"):
            await self._server.client().update(_GVR, {**clone(crd), "status": status}, subresource="status")

    async def _clean_up(self, name: str, crd: Obj) -> None:
        """Delete the objects; when none is left let the definition go."""
        if FINALIZER not in (crd["metadata"].get("finalizers") or ()):
            return
        held = next((kind for kind in self._served.get(name, ({}, []))[1]), None)
        if held is not None and name not in self._leaving:
            crd = await self._say(crd, "InstanceDeletionInProgress", "CustomResource deletion is in progress")
            self._leaving[name] = self._watch_instances(name, held)
            await self._server.client().delete_collection(held.gvr)
        if held is not None and self._server.feed.cache(held.storage_resource).entries:
            return
        newest = clone(self._server.feed.get(CRDS, "", name) or crd)
        newest = await self._say(newest, "InstanceDeletionCompleted", "removed all instances", "False")
        left = [f for f in newest["metadata"].get("finalizers") or () if f != FINALIZER]
        newest["metadata"]["finalizers"] = left
        await self._server.client().update(_GVR, newest)

    async def _say(self, crd: Obj, reason: str, message: str, value: str = "True") -> Obj:
        terminating(crd, reason, message, self._now(), value)
        return clone(await self._server.client().update(_GVR, crd, subresource="status"))

    def _watch_instances(self, name: str, kind: Kind) -> Callable[[], None]:
        """Look again whenever an object of the kind has gone."""
        cache = self._server.feed.cache(kind.storage_resource)

        def gone(type: str, _: Change) -> None:
            if type == DELETED and not cache.entries:
                self._queue.put_nowait(name)

        watch = Watch("", "", None, gone)
        cache.add_watch(watch)
        return lambda: cache.remove_watch(watch)


def _leaving(kind: Kind) -> Kind:
    """The kind while its definition goes: nothing new is made."""

    def refuse(obj: Obj) -> None:
        why = "create not allowed while custom resource definition is terminating"
        raise errors.forbidden(kind.group_resource, obj["metadata"].get("name") or "", why)

    return replace(kind, strategy=replace(kind.strategy, prepare_create=refuse))
