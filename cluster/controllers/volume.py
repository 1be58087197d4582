"""Binding claims to volumes, asking for new ones, and what becomes of a volume whose claim is gone.

One queue for both: a claim's key has a namespace, a volume's has none.
"""

from __future__ import annotations

import re
from typing import Any

from cluster.controllers import volume_match as match
from cluster.controllers.context import Context
from cluster.machinery import pods as podlib
from cluster.machinery.clock import rfc3339
from cluster.machinery.events import NORMAL, WARNING
from cluster.machinery.resources import CLAIM, CLAIMS, PODS, STORAGE_CLASSES, VOLUME, VOLUMES
from cluster.meta.errors import StatusError, is_already_exists, is_not_found
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

SELECTED_NODE = "volume.kubernetes.io/selected-node"
_PROVISIONER = ("volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner")
_NO_PROVISIONER = "kubernetes.io/no-provisioner"
_HOST_PATHS = re.compile(r"^/tmp/.+$")


class VolumeController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._claims, self._volumes = context.informers.of(CLAIMS), context.informers.of(VOLUMES)
        self._classes, self._pods = context.informers.of(STORAGE_CLASSES), context.informers.of(PODS)
        self._recorder = context.recorder("persistentvolume-controller")
        watched = [self._claims, self._volumes, self._classes]
        self.loop = context.controller("persistentvolume-binder", self.reconcile, watched, workers=1)
        self._claims.add_handler(self._claim_changed)
        self._volumes.add_handler(self._volume_changed)
        self._classes.add_handler(self._class_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _claim_changed(self, old: Obj | None, new: Obj | None) -> None:
        claim = new or old
        assert claim is not None
        if new is not None and (old is None or _claim_facts(old) != _claim_facts(new)):
            self.loop.queue.add(key_of(new))
        if claim["spec"].get("volumeName") and (new is None or match.phase(new) != "Bound"):
            self.loop.queue.add(ObjectKey("", claim["spec"]["volumeName"]))

    def _volume_changed(self, old: Obj | None, new: Obj | None) -> None:
        volume = new or old
        assert volume is not None
        self.loop.queue.add(ObjectKey("", volume["metadata"]["name"]))
        ref = volume["spec"].get("claimRef")
        if ref and ref.get("name"):
            key = ObjectKey(ref.get("namespace") or "", ref["name"])
            if key in self._claims and (new is None or match.phase(new) != "Bound"):
                self.loop.queue.add(key)
        elif new is not None:
            for claim in self._claims.list():
                if not claim["spec"].get("volumeName") and match.fits(new, claim):
                    self.loop.queue.add(key_of(claim))

    def _class_changed(self, _old: Obj | None, new: Obj | None) -> None:
        for claim in self._claims.list() if new is not None else ():
            if match.phase(claim) == "Pending" and match.class_of(claim) == (new or {})["metadata"]["name"]:
                self.loop.queue.add(key_of(claim))

    async def reconcile(self, key: ObjectKey) -> float | None:
        if not key.namespace:
            volume = self._volumes.get(key.name)
            if volume is not None:
                await self._sync_volume(volume)
            return None
        claim = self._claims.get(key.name, key.namespace)
        if claim is None or claim["metadata"].get("deletionTimestamp"):
            return None
        if match.BIND_COMPLETED in match.notes(claim):
            await self._sync_bound(claim)
        elif claim["spec"].get("volumeName"):
            await self._sync_named(claim)
        else:
            await self._sync_unbound(claim)
        return None

    # -- claims ------------------------------------------------------------------------------------------------

    async def _sync_unbound(self, claim: Obj) -> None:
        delayed = self._delayed(claim)
        volume = match.best(self._volumes.list(), claim, reserved_only=delayed)
        if volume is not None:
            await self._bind(volume, claim)
        elif delayed:
            self._wait_for_consumer(claim)
        elif match.class_of(claim):
            await self._provision(claim)
        else:
            text = "no persistent volumes available for this claim and no storage class is set"
            self._say(claim, NORMAL, "FailedBinding", text)

    def _delayed(self, claim: Obj) -> bool:
        found = self._classes.get(match.class_of(claim))
        waits = found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer"
        return waits and SELECTED_NODE not in match.notes(claim)

    def _wait_for_consumer(self, claim: Obj) -> None:
        waiting = [pod["metadata"]["name"] for pod in self._users(claim) if not podlib.node_name(pod)]
        if waiting:
            self._say(claim, NORMAL, "WaitForPodScheduled", f"waiting for pod {waiting[0]} to be scheduled")
        else:
            text = "waiting for first consumer to be created before binding"
            self._say(claim, NORMAL, "WaitForFirstConsumer", text)

    def _users(self, claim: Obj) -> list[Obj]:
        return [pod for pod in self._pods.list(claim["metadata"]["namespace"]) if uses(pod, claim)]

    async def _sync_named(self, claim: Obj) -> None:
        volume = self._volumes.get(claim["spec"]["volumeName"])
        if volume is not None and (not volume["spec"].get("claimRef") or match.refers_to(volume, claim)):
            await self._bind(volume, claim)

    async def _sync_bound(self, claim: Obj) -> None:
        volume = self._volumes.get(claim["spec"].get("volumeName") or "")
        if volume is None:
            text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            await self._lose(claim, "ClaimLost", text)
        elif not volume["spec"].get("claimRef") or match.refers_to(volume, claim):
            await self._bind(volume, claim)
        else:
            text = "Two claims are bound to the same volume, this one is bound incorrectly"
            await self._lose(claim, "ClaimMisbound", text)

    async def _lose(self, claim: Obj, reason: str, text: str) -> None:
        if match.phase(claim) == "Lost":
            return
        await self._client.update(CLAIMS, {**claim, "status": {"phase": "Lost"}}, subresource="status")
        self._say(claim, WARNING, reason, text)

    def _say(self, claim: Obj, type_: str, reason: str, text: str) -> None:
        self._recorder.event(claim, CLAIM, type_, reason, text)

    async def _bind(self, volume: Obj, claim: Obj) -> None:
        changed = match.bound_volume(volume, claim)
        if changed is not None:
            volume = await self._client.update(VOLUMES, changed)
        volume = await self._phase(volume, "Bound")
        wanted = match.bound_claim(claim, volume)
        if wanted is not None:
            claim = await self._client.update(CLAIMS, wanted)
        status = match.bound_status(claim, volume)
        if status != claim.get("status"):
            await self._client.update(CLAIMS, {**claim, "status": status}, subresource="status")

    async def _phase(self, volume: Obj, phase: str, message: str = "") -> Obj:
        old = volume.get("status") or {}
        if old.get("phase") == phase and (old.get("message") or "") == message:
            return volume
        status: dict[str, Any] = {"phase": phase, "lastPhaseTransitionTime": rfc3339(self._context.clock.now())}
        if message:
            status["message"] = message
        return await self._client.update(VOLUMES, {**volume, "status": status}, subresource="status")

    async def _provision(self, claim: Obj) -> None:
        name = match.class_of(claim)
        found = self._classes.get(name)
        if found is None:
            text = f'storageclass.storage.k8s.io "{name}" not found'
            self._say(claim, WARNING, "ProvisioningFailed", text)
            return
        if found["provisioner"] == _NO_PROVISIONER:
            text = f"no volume plugin matched name: {_NO_PROVISIONER}"
            self._say(claim, WARNING, "ProvisioningFailed", text)
            return
        provision = self._context.options.provision
        volume = await provision(claim, found) if provision is not None else None
        if volume is None:
            await self._leave_to_others(claim, found["provisioner"])
            return
        await self._create_volume(claim, volume)

    async def _create_volume(self, claim: Obj, volume: Obj) -> None:
        try:
            made = await self._client.create(VOLUMES, volume)
        except StatusError as error:
            if not is_already_exists(error):
                self._say(claim, WARNING, "ProvisioningFailed", str(error))
                raise
            return
        text = f"Successfully provisioned volume {made['metadata']['name']} using {match.class_of(claim)}"
        self._say(claim, NORMAL, "ProvisioningSucceeded", text)

    async def _leave_to_others(self, claim: Obj, provisioner: str) -> None:
        if any(match.notes(claim).get(key) != provisioner for key in _PROVISIONER):
            body = {"metadata": {"annotations": dict.fromkeys(_PROVISIONER, provisioner)}}
            meta = claim["metadata"]
            claim = await self._client.patch(CLAIMS, meta["name"], meta["namespace"], body)
        text = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by "
            "the system administrator. If volume creation is delayed, please verify that the provisioner is running "
            "and correctly registered."
        )
        self._say(claim, NORMAL, "ExternalProvisioning", text)

    # -- volumes -----------------------------------------------------------------------------------------------

    async def _sync_volume(self, volume: Obj) -> None:
        ref = volume["spec"].get("claimRef")
        if not ref or not ref.get("uid"):
            await self._phase(volume, "Available")
            return
        claim = self._claims.get(ref["name"], ref.get("namespace") or "")
        if claim is not None and claim["metadata"]["uid"] != ref["uid"]:
            claim = None
        if claim is None:
            await self._released(volume)
        elif claim["spec"].get("volumeName") == volume["metadata"]["name"]:
            await self._phase(volume, "Bound")
        elif claim["spec"].get("volumeName"):
            await self._unbind(volume)
        else:
            self.loop.queue.add(key_of(claim))

    async def _unbind(self, volume: Obj) -> None:
        """The claim went to another volume: free this one, if it was the controller that reserved it."""
        if match.BOUND_BY_CONTROLLER not in match.notes(volume):
            return
        spec = {k: v for k, v in volume["spec"].items() if k != "claimRef"}
        await self._phase(await self._client.update(VOLUMES, {**volume, "spec": spec}), "Available")

    async def _released(self, volume: Obj) -> None:
        if match.phase(volume) == "Failed":
            return
        volume = await self._phase(volume, "Released")
        if volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
            return
        reclaim = self._context.options.reclaim
        if reclaim is not None and await reclaim(volume):
            await self._delete(volume)
            return
        host_path = (volume["spec"].get("hostPath") or {}).get("path")
        if host_path is None:
            return
        if _HOST_PATHS.match(host_path):
            await self._delete(volume)
            return
        text = f"host_path deleter only supports /tmp/.+ but received provided {host_path}"
        await self._phase(volume, "Failed", text)
        self._recorder.event(volume, VOLUME, WARNING, "VolumeFailedDelete", text)

    async def _delete(self, volume: Obj) -> None:
        try:
            await self._client.delete(VOLUMES, volume["metadata"]["name"])
        except StatusError as error:
            if not is_not_found(error):
                raise


def uses(pod: Obj, claim: Obj) -> bool:
    name = claim["metadata"]["name"]
    for volume in pod["spec"].get("volumes") or ():
        if (volume.get("persistentVolumeClaim") or {}).get("claimName") == name:
            return True
        if "ephemeral" in volume and f"{pod['metadata']['name']}-{volume['name']}" == name:
            return True
    return False


def _claim_facts(claim: Obj) -> tuple[Any, ...]:
    return claim["spec"], match.notes(claim), match.phase(claim), claim["metadata"].get("deletionTimestamp")


def start(context: Context) -> VolumeController:
    return VolumeController(context)
