"""Claims in use and volumes that are bound are not deleted under their users: a finalizer holds them."""

from __future__ import annotations

from cluster.controllers.context import Context
from cluster.controllers.volume import uses
from cluster.machinery import pods as podlib
from cluster.machinery.resources import CLAIMS, PODS, VOLUMES
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import key as key_of
from cluster.meta.types import GroupVersionResource, Obj, ObjectKey

CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
VOLUME_FINALIZER = "kubernetes.io/pv-protection"


class ProtectionController:
    """Claims have a namespace in their key, volumes none."""

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._claims, self._volumes = context.informers.of(CLAIMS), context.informers.of(VOLUMES)
        self._pods = context.informers.of(PODS)
        watched = [self._claims, self._volumes, self._pods]
        self.loop = context.controller("volume-protection", self.reconcile, watched, workers=1)
        self._claims.add_handler(self._changed)
        self._volumes.add_handler(self._changed)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None and new["metadata"].get("deletionTimestamp"):
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
            await self._look_at_claim(key)
        else:
            volume = self._volumes.get(key.name)
            if volume is not None and (volume.get("status") or {}).get("phase") != "Bound":
                await self._let_go(VOLUMES, volume, VOLUME_FINALIZER)
        return None

    async def _look_at_claim(self, key: ObjectKey) -> None:
        claim = self._claims.get(key.name, key.namespace)
        if claim is None:
            return
        pods = self._pods.list(key.namespace)
        if any(podlib.node_name(pod) and not podlib.terminal(pod) and uses(pod, claim) for pod in pods):
            return
        await self._let_go(CLAIMS, claim, CLAIM_FINALIZER)

    async def _let_go(self, gvr: GroupVersionResource, obj: Obj, finalizer: str) -> None:
        meta = obj["metadata"]
        finalizers = meta.get("finalizers") or []
        if not meta.get("deletionTimestamp") or finalizer not in finalizers:
            return
        left = [f for f in finalizers if f != finalizer]
        body = {"metadata": {"resourceVersion": meta["resourceVersion"], "finalizers": left}}
        try:
            await self._client.patch(gvr, meta["name"], meta.get("namespace") or "", body)
        except StatusError as error:
            if not is_not_found(error):
                raise


def start(context: Context) -> ProtectionController:
    return ProtectionController(context)
