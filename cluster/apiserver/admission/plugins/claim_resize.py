"""PersistentVolumeClaimResize: a bound claim may grow only where its class says that volumes can."""

from __future__ import annotations

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.objects import dig
from cluster.meta.quantity import Quantity
from cluster.meta.types import GroupResource, Obj

CLAIMS = GroupResource("", "persistentvolumeclaims")
CLASSES = GroupResource("storage.k8s.io", "storageclasses")


class PersistentVolumeClaimResize(PlainPlugin):
    name = "PersistentVolumeClaimResize"
    operations = frozenset((Operation.UPDATE,))
    resources = frozenset((CLAIMS,))

    async def validate(self, attributes: Attributes) -> None:
        claim, old = attributes.obj, attributes.old
        if claim is None or old is None or not _size(old) < _size(claim):
            return
        if dig(old, "status", "phase") != "Bound" or self._may_grow(claim):
            return
        why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must"
        raise attributes.refused(f"{why} support resize")

    def _may_grow(self, claim: Obj) -> bool:
        name = claim["spec"].get("storageClassName")
        found = self.around.objects.get(CLASSES, "", name) if name else None
        return found is not None and bool(found.get("allowVolumeExpansion"))


def _size(claim: Obj) -> Quantity:
    return Quantity.parse(dig(claim, "spec", "resources", "requests", "storage") or "0")
