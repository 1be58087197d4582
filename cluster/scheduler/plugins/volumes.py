"""VolumeBinding and its kin: a pod's claims must exist, be bound or bindable, and be reachable from the node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cluster.machinery.fitting import selects
from cluster.machinery.informer import Informer
from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj
from cluster.scheduler.framework import Cycle, Event, Plugin, Refusal
from cluster.scheduler.snapshot import NodeInfo

SELECTED_NODE = "volume.kubernetes.io/selected-node"
_NO_PROVISIONER = "kubernetes.io/no-provisioner"


def claim_names(pod: Obj) -> Iterator[str]:
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"]["claimName"]
        elif "ephemeral" in volume:
            yield f"{pod['metadata']['name']}-{volume['name']}"


def bound(claim: Obj) -> bool:
    return bool(claim["spec"].get("volumeName")) and "pv.kubernetes.io/bind-completed" in (
        claim["metadata"].get("annotations") or {}
    )


class VolumeBinding(Plugin):
    """`found` for a delayed claim is a volume that would do on the node, or its class can provision."""

    name = "VolumeBinding"
    events = frozenset({Event.NODE_ADDED, Event.NODE_CHANGED, Event.VOLUME})

    def __init__(self, claims: Informer, volumes: Informer, classes: Informer) -> None:
        self._claims, self._volumes, self._classes = claims, volumes, classes

    def pre_filter(self, cycle: Cycle) -> Refusal | None:
        delayed, ready = [], []
        for name in claim_names(cycle.pod):
            claim = self._claims.get(name, cycle.pod["metadata"]["namespace"])
            refusal = self._impossible(name, claim)
            if refusal is not None:
                return refusal
            assert claim is not None
            if bound(claim):
                ready.append(claim)
            elif self._waits(claim):
                delayed.append(claim)
            else:
                return Refusal(("pod has unbound immediate PersistentVolumeClaims",), final=True, plugin=self.name)
        cycle.notes[self.name] = (ready, delayed)
        return None

    def _impossible(self, name: str, claim: Obj | None) -> Refusal | None:
        if claim is None:
            text = f'persistentvolumeclaim "{name}" not found'
        elif (claim.get("status") or {}).get("phase") == "Lost":
            volume = claim["spec"].get("volumeName", "")
            text = f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
        elif claim["metadata"].get("deletionTimestamp"):
            text = f'persistentvolumeclaim "{name}" is being deleted'
        else:
            return None
        return Refusal((text,), final=True, plugin=self.name)

    def _class(self, claim: Obj) -> Obj | None:
        return self._classes.get(claim["spec"].get("storageClassName") or "")

    def _waits(self, claim: Obj) -> bool:
        if claim["spec"].get("volumeName"):
            return False
        found = self._class(claim)
        return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer"

    def filter(self, cycle: Cycle, node: NodeInfo) -> Refusal | None:
        ready, delayed = cycle.notes[self.name]
        for claim in ready:
            volume = self._volumes.get(claim["spec"]["volumeName"])
            if volume is None:
                return Refusal(
                    ("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",), final=True
                )
            if not selects(_affinity(volume), node.name, node.labels):
                return Refusal(("node(s) didn't match PersistentVolume's node affinity",), final=True)
        taken: set[str] = set()
        for claim in sorted(delayed, key=_size):
            volume = self.match(claim, node, taken)
            if volume is not None:
                taken.add(volume["metadata"]["name"])
            elif not self._provisions(claim):
                return Refusal(("node(s) didn't find available persistent volumes to bind",), final=True)
        return None

    def match(self, claim: Obj, node: NodeInfo, taken: set[str]) -> Obj | None:
        """The smallest available volume the claim could have on the node."""
        fitting = [v for v in self._volumes.list() if v["metadata"]["name"] not in taken and fits(claim, v, node)]
        return min(fitting, key=_capacity, default=None)

    def _provisions(self, claim: Obj) -> bool:
        found = self._class(claim)
        return found is not None and found.get("provisioner") != _NO_PROVISIONER

    def delayed(self, cycle: Cycle) -> list[Obj]:
        """Claims to be bound or provisioned now that a node is chosen."""
        return list(cycle.notes.get(self.name, ((), ()))[1])


def _affinity(volume: Obj) -> dict[str, Any] | None:
    return (volume["spec"].get("nodeAffinity") or {}).get("required")


def _size(claim: Obj) -> Quantity:
    return Quantity.parse(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage") or "0")


def _capacity(volume: Obj) -> Quantity:
    return Quantity.parse((volume["spec"].get("capacity") or {}).get("storage") or "0")


def fits(claim: Obj, volume: Obj, node: NodeInfo) -> bool:
    spec, ref = volume["spec"], volume["spec"].get("claimRef")
    if ref is not None and (ref.get("name"), ref.get("namespace")) != (
        claim["metadata"]["name"],
        claim["metadata"]["namespace"],
    ):
        return False
    return (
        (ref is not None or (volume.get("status") or {}).get("phase") == "Available")
        and not volume["metadata"].get("deletionTimestamp")
        and (spec.get("storageClassName") or "") == (claim["spec"].get("storageClassName") or "")
        and (spec.get("volumeMode") or "Filesystem") == (claim["spec"].get("volumeMode") or "Filesystem")
        and set(claim["spec"].get("accessModes") or ()) <= set(spec.get("accessModes") or ())
        and _capacity(volume) >= _size(claim)
        and selects(_affinity(volume), node.name, node.labels)
    )
