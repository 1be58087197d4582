"""DefaultIngressClass: an Ingress that names no class gets the one marked as default."""

from __future__ import annotations

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.types import GroupResource

CLASSES = GroupResource("networking.k8s.io", "ingressclasses")
MARK = "ingressclass.kubernetes.io/is-default-class"


class DefaultIngressClass(PlainPlugin):
    name = "DefaultIngressClass"
    operations = frozenset((Operation.CREATE,))
    resources = frozenset((GroupResource("networking.k8s.io", "ingresses"),))

    async def mutate(self, attributes: Attributes) -> None:
        assert attributes.obj is not None
        annotations = attributes.obj["metadata"].get("annotations") or {}
        spec = attributes.obj.setdefault("spec", {})
        if "kubernetes.io/ingress.class" in annotations or spec.get("ingressClassName"):
            return
        classes = self.around.objects.all(CLASSES)
        marked = [c["metadata"] for c in classes if (c["metadata"].get("annotations") or {}).get(MARK) == "true"]
        if marked:
            # The newest wins; of equally old ones the first by name.
            marked.sort(key=lambda meta: str(meta["name"]))
            spec["ingressClassName"] = max(marked, key=lambda meta: str(meta.get("creationTimestamp")))["name"]
