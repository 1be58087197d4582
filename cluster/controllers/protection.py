"""Claims in use, volumes that are bound and classes that are referred to are not deleted under their users: a finalizer
holds them. Admission puts it on; here it is put back when somebody took it off, and taken off when nothing is held.
"""

from __future__ import annotations

from cluster.controllers.context import Context
from cluster.controllers.volume import uses
from cluster.machinery import pods as podlib
from cluster.machinery.resources import ATTRIBUTES_CLASSES, CLAIMS, PODS, VOLUMES
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import dig
from cluster.meta.objects import key as key_of
from cluster.meta.types import GroupVersionResource, Obj, ObjectKey

CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
VOLUME_FINALIZER = "kubernetes.io/pv-protection"
CLASS_FINALIZER = "kubernetes.io/vac-protection"


class _Guard:
    """One kind's finalizer."""

    def __init__(self, context: Context, gvr: GroupVersionResource, finalizer: str) -> None:
        self._client, self._gvr, self._finalizer = context.client, gvr, finalizer

    def concerns(self, obj: Obj) -> bool:
        """Whether it goes and is held, or stays and is not."""
        meta = obj["metadata"]
        return bool(meta.get("deletionTimestamp")) == (self._finalizer in (meta.get("finalizers") or ()))

    async def look(self, obj: Obj, used: bool) -> None:
        meta = obj["metadata"]
        if not self.concerns(obj) or (used and meta.get("deletionTimestamp")):
            return
        others = [f for f in meta.get("finalizers") or () if f != self._finalizer]
        finalizers = others if meta.get("deletionTimestamp") else [*others, self._finalizer]
        body = {"metadata": {"resourceVersion": meta["resourceVersion"], "finalizers": finalizers}}
        try:
            await self._client.patch(self._gvr, meta["name"], meta.get("namespace") or "", body)
        except StatusError as error:
            if not is_not_found(error):
                raise


class ProtectionController:
    """Of claims and volumes. Claims have a namespace in their key, volumes none."""

    def __init__(self, context: Context) -> None:
        self._claims, self._volumes = context.informers.of(CLAIMS), context.informers.of(VOLUMES)
        self._pods = context.informers.of(PODS)
        self._claim_guard = _Guard(context, CLAIMS, CLAIM_FINALIZER)
        self._volume_guard = _Guard(context, VOLUMES, VOLUME_FINALIZER)
        watched = [self._claims, self._volumes, self._pods]
        self.loop = context.controller("volume-protection", self.reconcile, watched, workers=1)
        self._claims.add_handler(self._changed)
        self._volumes.add_handler(self._changed)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            guard = self._claim_guard if new["metadata"].get("namespace") else self._volume_guard
            if guard.concerns(new):
                self.loop.queue.add(key_of(new))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is not None and not podlib.terminal(new):
            return
        pod = new or old
        assert pod is not None
        for claim in self._claims.list(pod["metadata"]["namespace"]):
            if claim["metadata"].get("deletionTimestamp") and uses(pod, claim):
                self.loop.queue.add(key_of(claim))

    async def reconcile(self, key: ObjectKey) -> float | None:
        if key.namespace:
            claim = self._claims.get(key.name, key.namespace)
            if claim is not None:
                await self._claim_guard.look(claim, self._claim_used(claim))
        else:
            volume = self._volumes.get(key.name)
            if volume is not None:
                await self._volume_guard.look(volume, dig(volume, "status", "phase") == "Bound")
        return None

    def _claim_used(self, claim: Obj) -> bool:
        pods = self._pods.list(claim["metadata"]["namespace"])
        return any(podlib.node_name(pod) and not podlib.terminal(pod) and uses(pod, claim) for pod in pods)


class ClassProtectionController:
    """Of volume attributes classes, which volumes and claims name."""

    def __init__(self, context: Context) -> None:
        self._classes = context.informers.of(ATTRIBUTES_CLASSES)
        self._users = [context.informers.of(VOLUMES), context.informers.of(CLAIMS)]
        self._guard = _Guard(context, ATTRIBUTES_CLASSES, CLASS_FINALIZER)
        watched = [self._classes, *self._users]
        self.loop = context.controller("attributes-class-protection", self.reconcile, watched, workers=1)
        self._classes.add_handler(self._changed)
        for informer in self._users:
            informer.add_handler(self._user_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None and self._guard.concerns(new):
            self.loop.queue.add(key_of(new))

    def _user_changed(self, old: Obj | None, new: Obj | None) -> None:
        for name in class_names(old) - class_names(new):
            self.loop.queue.add(ObjectKey("", name))

    async def reconcile(self, key: ObjectKey) -> float | None:
        found = self._classes.get(key.name)
        if found is not None:
            used = any(key.name in class_names(user) for informer in self._users for user in informer.list())
            await self._guard.look(found, used)
        return None


def class_names(user: Obj | None) -> set[str]:
    """The attributes classes that a volume or a claim has, had or is to have; none for None."""
    if user is None:
        return set()
    names = (
        dig(user, "spec", "volumeAttributesClassName"),
        dig(user, "status", "currentVolumeAttributesClassName"),
        dig(user, "status", "modifyVolumeStatus", "targetVolumeAttributesClassName"),
    )
    return {name for name in names if name}


def start(context: Context) -> ProtectionController:
    return ProtectionController(context)


def start_classes(context: Context) -> ClassProtectionController:
    return ClassProtectionController(context)
