"""RuntimeClass: a pod that names one gets its overhead, its node selector and its tolerations."""

from __future__ import annotations

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta import errors, names
from cluster.meta.objects import clone
from cluster.meta.quantity import Quantity
from cluster.meta.types import GroupResource, Obj

PODS = GroupResource("", "pods")
CLASSES = GroupResource("node.k8s.io", "runtimeclasses")


class RuntimeClass(PlainPlugin):
    name = "RuntimeClass"
    operations = frozenset((Operation.CREATE,))
    resources = frozenset((PODS,))

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None
        found = self._class(attributes, pod)
        if found is None:
            return
        overhead = (found.get("overhead") or {}).get("podFixed")
        if overhead:
            self._set_overhead(attributes, pod, overhead)
        scheduling = found.get("scheduling")
        if scheduling:
            self._schedule(attributes, pod["spec"], scheduling)

    async def validate(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None
        given = pod["spec"].get("overhead")
        found = self._class(attributes, pod)
        defined = ((found or {}).get("overhead") or {}).get("podFixed")
        if given is not None and not defined:
            why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            raise attributes.refused(why)

    def _class(self, a: Attributes, pod: Obj) -> Obj | None:
        name = pod["spec"].get("runtimeClassName")
        if name is None:
            return None
        complaint = names.unaskable(name)
        if complaint:
            # The original asks the server for the class, and its client refuses what is no part of a path.
            raise errors.StatusError(500, "", complaint)
        found = self.around.objects.get(CLASSES, "", name)
        if found is None:
            raise a.refused(f'pod rejected: RuntimeClass "{name}" not found')
        return found

    @staticmethod
    def _set_overhead(a: Attributes, pod: Obj, defined: dict[str, str]) -> None:
        given = pod["spec"].get("overhead")
        if given and _amounts(given) != _amounts(defined):
            why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
            raise a.refused(why)
        pod["spec"]["overhead"] = dict(defined)

    @staticmethod
    def _schedule(a: Attributes, spec: Obj, scheduling: Obj) -> None:
        selector = dict(spec.get("nodeSelector") or {})
        for key, value in (scheduling.get("nodeSelector") or {}).items():
            if selector.setdefault(key, value) != value:
                place = f"nodeSelector[{key}]"
                why = f"conflict: runtimeClass.scheduling.{place} = {value}; pod.spec.{place} = {selector[key]}"
                raise a.refused(why)
        if selector:
            spec["nodeSelector"] = dict(sorted(selector.items()))
        held = spec.get("tolerations") or []
        more = [clone(t) for t in scheduling.get("tolerations") or [] if t not in held]
        if more:
            spec["tolerations"] = [*held, *more]


def _amounts(resources: dict[str, str]) -> dict[str, Quantity]:
    return {name: Quantity.parse(text) for name, text in resources.items()}
