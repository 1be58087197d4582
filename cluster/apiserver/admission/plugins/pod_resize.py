"""PodResizeValidator: resources of a running pod change only where there is a node to carry it out."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.types import GroupResource, Obj

PODS, NODES = GroupResource("", "pods"), GroupResource("", "nodes")


class PodResizeValidator(PlainPlugin):
    name = "PodResizeValidator"
    operations = frozenset((Operation.UPDATE,))
    resources = frozenset((PODS,))
    subresources = frozenset(("resize",))

    async def validate(self, attributes: Attributes) -> None:
        pod, old = attributes.obj, attributes.old
        if pod is None or old is None or _resources(pod) == _resources(old):
            return
        node = pod["spec"].get("nodeName") or ""
        if node and self.around.objects.get(NODES, "", node) is None:
            raise attributes.refused(f'node "{node}" not found')


def _resources(pod: Obj) -> list[Any]:
    spec = pod["spec"]
    parts = [c.get("resources") for part in ("initContainers", "containers") for c in spec.get(part) or []]
    return [spec.get("resources"), *parts]
