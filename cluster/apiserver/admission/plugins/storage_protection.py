"""StorageObjectInUseProtection: claims and volumes get a finalizer, so that none vanishes under a pod."""

from __future__ import annotations

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.types import GroupResource

FINALIZERS = {
    GroupResource("", "persistentvolumeclaims"): "kubernetes.io/pvc-protection",
    GroupResource("", "persistentvolumes"): "kubernetes.io/pv-protection",
    GroupResource("storage.k8s.io", "volumeattributesclasses"): "kubernetes.io/vac-protection",
}


class StorageObjectInUseProtection(PlainPlugin):
    name = "StorageObjectInUseProtection"
    operations = frozenset((Operation.CREATE,))
    resources = frozenset(FINALIZERS)

    async def mutate(self, attributes: Attributes) -> None:
        assert attributes.obj is not None
        meta, finalizer = attributes.obj["metadata"], FINALIZERS[attributes.resource]
        held = meta.get("finalizers") or []
        if finalizer not in held:
            meta["finalizers"] = [*held, finalizer]
