"""Priority: a pod's class becomes a number; only one class may be the default."""

from __future__ import annotations

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.types import GroupResource, Obj

PODS = GroupResource("", "pods")
CLASSES = GroupResource("scheduling.k8s.io", "priorityclasses")
PREEMPT = "PreemptLowerPriority"


class Priority(PlainPlugin):
    name = "Priority"
    operations = frozenset((Operation.CREATE, Operation.UPDATE))
    resources = frozenset((PODS, CLASSES))

    async def mutate(self, attributes: Attributes) -> None:
        if attributes.resource != PODS:
            return
        pod = attributes.obj
        assert pod is not None
        spec = pod.setdefault("spec", {})
        if attributes.operation is Operation.UPDATE:
            self._keep(spec, attributes.old or {})
            return
        name, priority, policy = self._class(attributes, spec.get("priorityClassName") or "")
        if name:
            spec["priorityClassName"] = name
        if spec.get("priority") is not None and spec["priority"] != priority:
            raise attributes.refused(
                f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
                f"priority admission controller computed {priority} from the given PriorityClass name",
            )
        if spec.get("preemptionPolicy") is not None and spec["preemptionPolicy"] != policy:
            raise attributes.refused(
                f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; "
                f"priority admission controller computed {policy} from the given PriorityClass name",
            )
        spec["priority"], spec["preemptionPolicy"] = priority, policy

    async def validate(self, attributes: Attributes) -> None:
        if attributes.resource != CLASSES or not (attributes.obj or {}).get("globalDefault"):
            return
        for other in self.around.objects.all(CLASSES):
            if other.get("globalDefault") and other["metadata"]["name"] != attributes.name:
                raise attributes.refused(
                    f"PriorityClass {other['metadata']['name']} is already marked as default. "
                    "Only one default can exist",
                )

    @staticmethod
    def _keep(spec: Obj, old: Obj) -> None:
        before = old.get("spec") or {}
        for field in ("priority", "preemptionPolicy"):
            if spec.get(field) is None and before.get(field) is not None:
                spec[field] = before[field]

    def _class(self, a: Attributes, name: str) -> tuple[str, int, str]:
        if not name:
            return self._default()
        found = self.around.objects.get(CLASSES, "", name)
        if found is None:
            raise a.refused(f"no PriorityClass with name {name} was found")
        return name, int(found.get("value") or 0), found.get("preemptionPolicy") or PREEMPT

    def _default(self) -> tuple[str, int, str]:
        defaults = [c for c in self.around.objects.all(CLASSES) if c.get("globalDefault")]
        if not defaults:
            return "", 0, PREEMPT
        lowest = min(defaults, key=lambda c: int(c.get("value") or 0))
        return (
            lowest["metadata"]["name"],
            int(lowest.get("value") or 0),
            lowest.get("preemptionPolicy") or PREEMPT,
        )
