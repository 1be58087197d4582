"""DefaultStorageClass: a claim that names no class gets the one marked as default."""

from __future__ import annotations

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.types import GroupResource, Obj

CLAIMS = GroupResource("", "persistentvolumeclaims")
CLASSES = GroupResource("storage.k8s.io", "storageclasses")
MARKS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


class DefaultStorageClass(PlainPlugin):
    name = "DefaultStorageClass"
    operations = frozenset((Operation.CREATE,))
    resources = frozenset((CLAIMS,))

    async def mutate(self, attributes: Attributes) -> None:
        claim = attributes.obj
        assert claim is not None
        spec = claim.setdefault("spec", {})
        old_way = "volume.beta.kubernetes.io/storage-class" in (claim["metadata"].get("annotations") or {})
        if spec.get("storageClassName") is not None or old_way:
            return
        defaults = [c for c in self.around.objects.all(CLASSES) if is_default(c)]
        if defaults:
            # The newest wins; of equally old ones the first by name.
            defaults.sort(key=lambda c: c["metadata"]["name"])
            newest = max(defaults, key=lambda c: str(c["metadata"].get("creationTimestamp")))
            spec["storageClassName"] = newest["metadata"]["name"]


def is_default(storage_class: Obj) -> bool:
    annotations = storage_class["metadata"].get("annotations") or {}
    return any(annotations.get(mark) == "true" for mark in MARKS)
