"""The garbage collector: objects whose owners are gone go too, or are set free, as the deletion asked.

A graph of every object that owns or is owned is kept from the informers: an edge for each owner reference. An
owner that is referred to but not in the graph stands there as a virtual node until a live look says whether it
exists. Three things happen to an object: nothing (an owner is alive); deletion (all owners are gone), in the
background, foreground or orphaning way its finalizers ask; or, for an owner being deleted with dependents, the
walk to its dependents. Every decision is checked against the live object, with its uid as precondition.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cluster.controllers.context import Context, Resource
from cluster.controllers.inventory import Inventory
from cluster.machinery.controller import Controller
from cluster.machinery.events import EVENTS
from cluster.machinery.informer import Handler, Informer
from cluster.machinery.resources import CUSTOM_RESOURCES
from cluster.meta.errors import StatusError, is_conflict, is_not_found
from cluster.meta.types import GroupVersionResource, Obj

log = logging.getLogger(__name__)
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_IGNORED = {EVENTS, GroupVersionResource("events.k8s.io", "v1", "events")}
_RESYNC = 30.0
_PATIENCE = 0.1


@dataclass(slots=True, eq=False)
class Node:
    """An object of the graph. `virtual`: known from references only."""

    uid: str
    gvr: GroupVersionResource
    name: str
    namespace: str
    owners: dict[str, dict[str, Any]] = field(default_factory=dict)
    dependents: dict[str, Node] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    deleting: bool = False
    virtual: bool = False

    @property
    def deleting_dependents(self) -> bool:
        return self.deleting and FOREGROUND in self.finalizers

    def blocking(self) -> list[Node]:
        """Dependents that hold this owner's foreground deletion up."""
        return [d for d in self.dependents.values() if d.owners.get(self.uid, {}).get("blockOwnerDeletion")]


@dataclass(frozen=True, slots=True)
class Fates:
    """The owner references of an object by what their owners are."""

    solid: tuple[dict[str, Any], ...]
    dangling: tuple[dict[str, Any], ...]
    waiting: tuple[dict[str, Any], ...]


class Graph:
    """Nodes by uid, following changes of objects. Pure: it says which uids to look at."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def change(self, gvr: GroupVersionResource, kind_of: Any, new: Obj) -> tuple[set[str], bool]:
        """An object was made or changed. The uids to look at, and whether it now asks for orphaning."""
        meta = new["metadata"]
        node, known = self.nodes.get(meta["uid"]), True
        if node is None or node.virtual:
            node, known = self._arrive(node, gvr, meta), False
        before = dict(node.owners)
        was_deleting, was_finalizers = node.deleting, node.finalizers
        node.owners = {ref["uid"]: ref for ref in meta.get("ownerReferences") or ()}
        node.finalizers = tuple(meta.get("finalizers") or ())
        node.deleting = bool(meta.get("deletionTimestamp"))
        look = self._link(node, before, kind_of)
        if (node.deleting, node.finalizers) != (was_deleting, was_finalizers) or not known:
            look |= self._transition(node)
        orphaning = node.deleting and ORPHAN in node.finalizers and not (was_deleting and ORPHAN in was_finalizers)
        return look, orphaning

    def _arrive(self, node: Node | None, gvr: GroupVersionResource, meta: dict[str, Any]) -> Node:
        if node is None:
            node = self.nodes[meta["uid"]] = Node(meta["uid"], gvr, meta["name"], meta.get("namespace") or "")
        node.gvr, node.name, node.namespace, node.virtual = gvr, meta["name"], meta.get("namespace") or "", False
        return node

    def _link(self, node: Node, before: dict[str, dict[str, Any]], kind_of: Any) -> set[str]:
        look: set[str] = set()
        for uid in before.keys() - node.owners.keys():
            owner = self.nodes.get(uid)
            if owner is not None:
                owner.dependents.pop(node.uid, None)
                look |= {uid} if owner.deleting_dependents or (owner.virtual and not owner.dependents) else set()
            look.add(node.uid)
        for uid in node.owners.keys() - before.keys():
            owner = self.nodes.get(uid)
            if owner is None:
                owner = self._virtual(node, node.owners[uid], kind_of)
                look |= {uid, node.uid}
            owner.dependents[node.uid] = node
            if owner.deleting_dependents:
                look.add(node.uid)
        for uid in node.owners.keys() & before.keys():
            owner = self.nodes.get(uid)
            blocked = before[uid].get("blockOwnerDeletion") and not node.owners[uid].get("blockOwnerDeletion")
            if owner is not None and owner.deleting_dependents and blocked:
                look.add(uid)
        return look

    def _virtual(self, dependent: Node, ref: dict[str, Any], kind_of: Any) -> Node:
        resource: Resource | None = kind_of(ref)
        gvr = resource.gvr if resource else GroupVersionResource("", "", "")
        namespace = dependent.namespace if resource and resource.namespaced else ""
        node = self.nodes[ref["uid"]] = Node(ref["uid"], gvr, ref.get("name") or "", namespace, virtual=True)
        return node

    def _transition(self, node: Node) -> set[str]:
        if node.deleting_dependents:
            return {node.uid, *node.dependents}
        return {node.uid} if node.owners and not node.deleting else set()

    def remove(self, uid: str) -> set[str]:
        """An object is gone. The uids to look at: its dependents, and owners that waited for it."""
        node = self.nodes.pop(uid, None)
        if node is None:
            return set()
        look = set(node.dependents)
        for owner_uid in node.owners:
            owner = self.nodes.get(owner_uid)
            if owner is None:
                continue
            owner.dependents.pop(uid, None)
            if owner.deleting_dependents:
                look.add(owner_uid)
            if owner.virtual and not owner.dependents:
                del self.nodes[owner_uid]
        return look


class GarbageCollector:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._inventory = Inventory(context)
        self._graph = Graph()
        self._resources: dict[GroupVersionResource, Resource] = {}
        self._followed: dict[GroupVersionResource, tuple[Informer, Handler]] = {}
        self._kinds: dict[tuple[str, str], Resource] = {}
        self._absent: set[str] = set()
        self._definitions = context.informers.of(CUSTOM_RESOURCES)
        self._definitions_changed = asyncio.Event()
        self._definitions.add_handler(lambda _old, _new: self._definitions_changed.set())
        self.deleting: Controller[str] = Controller("garbage", self._look, context.clock, workers=8)
        self.orphaning: Controller[str] = Controller("orphan", self._orphan, context.clock, workers=2)

    async def run(self) -> None:
        await self._follow()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_following())
            group.create_task(self.deleting.run())
            group.create_task(self.orphaning.run())

    # -- following ---------------------------------------------------------------------------------------------

    async def _keep_following(self) -> None:
        while True:
            self._definitions_changed.clear()
            await self._follow()
            await self._definitions_changed.wait()

    async def _follow(self) -> None:
        await self._definitions.synced.wait()
        resources = {r.gvr: r for r in await self._inventory.resources() if r.gvr not in _IGNORED}
        self._resources = resources
        self._kinds = {(r.kind.group, r.kind.kind): r for r in resources.values()}
        for gvr in [gvr for gvr in self._followed if gvr not in resources]:
            await self._unfollow(gvr)
        fresh = [gvr for gvr in resources if gvr not in self._followed]
        for gvr in fresh:
            informer = self._context.informers.of(gvr)
            handler = partial(self._changed, gvr)
            self._followed[gvr] = (informer, handler)
            informer.add_handler(handler)
        for gvr in fresh:
            await self._followed[gvr][0].synced.wait() if _is_builtin(gvr) else None

    async def _unfollow(self, gvr: GroupVersionResource) -> None:
        informer, handler = self._followed.pop(gvr)
        informer.remove_handler(handler)
        for obj in informer.list():
            self._changed(gvr, obj, None)
        await self._context.informers.forget(gvr)

    def _kind_of(self, ref: dict[str, Any]) -> Resource | None:
        return self._kinds.get(((ref.get("apiVersion") or "").rpartition("/")[0], ref.get("kind") or ""))

    def _changed(self, gvr: GroupVersionResource, old: Obj | None, new: Obj | None) -> None:
        if new is None:
            assert old is not None
            look, orphan = self._graph.remove(old["metadata"]["uid"]), False
            self._absent.discard(old["metadata"]["uid"])
        elif not _relevant(old, new):
            return
        else:
            look, orphan = self._graph.change(gvr, self._kind_of, new)
            if orphan:
                self.orphaning.queue.add(new["metadata"]["uid"])
        for uid in look:
            node = self._graph.nodes.get(uid)
            unknown = node is not None and any(self._unseen(owner) for owner in node.owners)
            self.deleting.queue.add_after(uid, _PATIENCE if unknown else 0.0)

    def _unseen(self, uid: str) -> bool:
        """An owner no informer has shown: informers of two resources keep no order between them, so it may come yet."""
        node = self._graph.nodes.get(uid)
        return node is not None and node.virtual and uid not in self._absent

    # -- deciding ----------------------------------------------------------------------------------------------

    async def _look(self, uid: str) -> float | None:
        node = self._graph.nodes.get(uid)
        if node is None or (node.deleting and not node.deleting_dependents and not node.virtual):
            return None
        if node.virtual and not node.gvr.resource:
            return _RESYNC if node.dependents else None
        live = await self._live(node.gvr, node.name, node.namespace)
        if live is None or live["metadata"]["uid"] != uid:
            self._gone(node)
            return None
        if node.virtual:
            return _RESYNC
        if node.deleting_dependents:
            await self._walk_down(node, live)
            return None
        return await self._judge(node, live)

    def _gone(self, node: Node) -> None:
        if node.virtual:
            self._absent.add(node.uid)
            for dependent in node.dependents:
                self.deleting.queue.add_after(dependent, _PATIENCE)

    async def _live(self, gvr: GroupVersionResource, name: str, namespace: str) -> Obj | None:
        try:
            return await self._client.get(gvr, name, namespace)
        except StatusError as error:
            if is_not_found(error):
                return None
            raise

    async def _judge(self, node: Node, live: Obj) -> float | None:
        refs = live["metadata"].get("ownerReferences") or []
        if not refs or live["metadata"].get("deletionTimestamp"):
            return None
        fates = await self._fates(node, refs)
        if fates.solid:
            if fates.dangling or fates.waiting:
                await self._drop_references(node, live, [*fates.dangling, *fates.waiting])
            return None
        if fates.waiting and node.dependents:
            if any(d.deleting_dependents for d in node.dependents.values()):
                await self._unblock(node, live)
            await self._delete(node, live, "Foreground")
            return None
        await self._delete(node, live, _policy(live))
        return None

    async def _fates(self, node: Node, refs: list[dict[str, Any]]) -> Fates:
        solid, dangling, waiting = [], [], []
        for ref in refs:
            owner = await self._owner(node, ref)
            if owner is None:
                dangling.append(ref)
            elif owner["metadata"].get("deletionTimestamp") and FOREGROUND in (
                owner["metadata"].get("finalizers") or ()
            ):
                waiting.append(ref)
            else:
                solid.append(ref)
        return Fates(tuple(solid), tuple(dangling), tuple(waiting))

    async def _owner(self, node: Node, ref: dict[str, Any]) -> Obj | None:
        """The live owner; None when it is gone. Raises when its kind is not known (it may come)."""
        if ref["uid"] in self._absent:
            return None
        resource = self._kind_of(ref)
        if resource is None:
            raise StatusError(404, "UnknownKind", f"no resource for owner {ref.get('apiVersion')} {ref.get('kind')}")
        if resource.namespaced and not node.namespace:
            raise StatusError(
                400, "InvalidOwner", f"cluster-scoped {node.name} refers to namespaced owner {ref['name']}"
            )
        found = await self._live(resource.gvr, ref["name"], node.namespace if resource.namespaced else "")
        if found is None or found["metadata"]["uid"] != ref["uid"]:
            self._remember_absent(ref["uid"])
            return None
        return found

    def _remember_absent(self, uid: str) -> None:
        if len(self._absent) > 500:
            self._absent.clear()
        self._absent.add(uid)

    # -- acting ------------------------------------------------------------------------------------------------

    async def _delete(self, node: Node, live: Obj, propagation: str) -> None:
        try:
            await self._client.delete(node.gvr, node.name, node.namespace, propagation=propagation, uid=node.uid)
        except StatusError as error:
            if not is_not_found(error) and not is_conflict(error):
                raise

    async def _walk_down(self, node: Node, live: Obj) -> None:
        """Foreground deletion: dependents first; without blocking ones left the owner may go."""
        blocking = node.blocking()
        if not blocking:
            await self._drop_finalizer(node, live, FOREGROUND)
            return
        for dependent in node.dependents.values():
            if not dependent.deleting_dependents:
                self.deleting.queue.add(dependent.uid)

    async def _drop_finalizer(self, node: Node, live: Obj, finalizer: str) -> None:
        left = [f for f in live["metadata"].get("finalizers") or () if f != finalizer]
        body = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"], "finalizers": left}}
        await self._patch(node, body)

    async def _drop_references(self, node: Node, live: Obj, refs: list[dict[str, Any]]) -> None:
        gone = {ref["uid"] for ref in refs}
        left = [ref for ref in live["metadata"].get("ownerReferences") or () if ref["uid"] not in gone]
        await self._set_references(node, live, left)

    async def _unblock(self, node: Node, live: Obj) -> None:
        refs = live["metadata"].get("ownerReferences") or ()
        await self._set_references(node, live, [{**ref, "blockOwnerDeletion": False} for ref in refs])

    async def _set_references(self, node: Node, live: Obj, refs: list[dict[str, Any]]) -> None:
        version = live["metadata"]["resourceVersion"]
        await self._patch(node, {"metadata": {"resourceVersion": version, "uid": node.uid, "ownerReferences": refs}})

    async def _patch(self, node: Node, body: dict[str, Any]) -> None:
        try:
            await self._client.patch(node.gvr, node.name, node.namespace, body)
        except StatusError as error:
            if not is_not_found(error):
                raise

    async def _orphan(self, uid: str) -> float | None:
        """Set the dependents of an owner free, then let it go."""
        node = self._graph.nodes.get(uid)
        if node is None:
            return None
        for dependent in [*node.dependents.values()]:
            live = await self._live(dependent.gvr, dependent.name, dependent.namespace)
            if live is not None and live["metadata"]["uid"] == dependent.uid:
                await self._drop_references(dependent, live, [{"uid": uid}])
        owner = await self._live(node.gvr, node.name, node.namespace)
        if owner is not None and owner["metadata"]["uid"] == uid:
            await self._drop_finalizer(node, owner, ORPHAN)
        return None


def _policy(live: Obj) -> str:
    finalizers = live["metadata"].get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def _is_builtin(gvr: GroupVersionResource) -> bool:
    return gvr.group == "" or gvr.group.endswith(".k8s.io") or "." not in gvr.group


def _relevant(old: Obj | None, new: Obj) -> bool:
    """Most changes touch nothing the graph keeps."""
    if old is None:
        return True
    before, after = old["metadata"], new["metadata"]
    return any(before.get(k) != after.get(k) for k in ("uid", "ownerReferences", "finalizers", "deletionTimestamp"))


def start(context: Context) -> GarbageCollector:
    return GarbageCollector(context)
