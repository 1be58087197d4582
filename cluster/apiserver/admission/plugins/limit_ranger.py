"""LimitRanger: the defaults and bounds that a namespace sets for containers, pods and claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.quantity import Quantity
from cluster.meta.types import GroupResource, Obj

PODS = GroupResource("", "pods")
CLAIMS = GroupResource("", "persistentvolumeclaims")
RANGES = GroupResource("", "limitranges")
ANNOTATION = "kubernetes.io/limit-ranger"
Amounts = dict[str, Any]


class LimitRanger(PlainPlugin):
    name = "LimitRanger"
    operations = frozenset((Operation.CREATE, Operation.UPDATE))
    resources = frozenset((PODS, CLAIMS))

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        if operation is Operation.UPDATE and resource == PODS:
            return False
        return super().handles(operation, resource, subresource)

    async def mutate(self, attributes: Attributes) -> None:
        if attributes.resource != PODS or attributes.obj is None:
            return
        done = [text for item in self._items(attributes, "Container") for text in _set_defaults(attributes.obj, item)]
        if done:
            meta = attributes.obj["metadata"]
            text = f"LimitRanger plugin set: {'; '.join(done)}"
            meta["annotations"] = {**(meta.get("annotations") or {}), ANNOTATION: text}

    async def validate(self, attributes: Attributes) -> None:
        obj = attributes.obj
        if obj is None or obj["metadata"].get("deletionTimestamp"):
            return
        faults = _claim_faults(self, attributes) if attributes.resource == CLAIMS else _pod_faults(self, attributes)
        if faults:
            text = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
            raise attributes.refused(text)

    def _items(self, attributes: Attributes, kind: str) -> Iterator[Obj]:
        for limit_range in self.around.objects.all(RANGES, attributes.namespace):
            for item in (limit_range.get("spec") or {}).get("limits") or []:
                if item.get("type") == kind:
                    yield item


def _containers(pod: Obj) -> Iterator[tuple[str, Obj]]:
    spec = pod.get("spec") or {}
    for container in spec.get("containers") or []:
        yield "container", container
    for container in spec.get("initContainers") or []:
        yield "init container", container


def _set_defaults(pod: Obj, item: Obj) -> Iterator[str]:
    for what, container in _containers(pod):
        for field, source, word in (("requests", "defaultRequest", "request"), ("limits", "default", "limit")):
            resources = container.setdefault("resources", {})
            held: Amounts = resources.get(field) or {}
            added = {k: v for k, v in (item.get(source) or {}).items() if k not in held}
            if added:
                resources[field] = {**held, **added}
                yield f"{', '.join(sorted(added))} {word} for {what} {container.get('name')}"


def _pod_faults(plugin: LimitRanger, a: Attributes) -> list[str]:
    assert a.obj is not None
    faults = []
    for item in plugin._items(a, "Container"):
        for _, container in _containers(a.obj):
            resources = container.get("resources") or {}
            faults += _bounds("Container", item, resources.get("requests") or {}, resources.get("limits") or {})
    for item in plugin._items(a, "Pod"):
        faults += _bounds("Pod", item, pod_amounts(a.obj, "requests"), pod_amounts(a.obj, "limits"))
    # Of containers with the same fault one is told.
    return list(dict.fromkeys(faults))


def _claim_faults(plugin: LimitRanger, a: Attributes) -> list[str]:
    assert a.obj is not None
    requests = ((a.obj.get("spec") or {}).get("resources") or {}).get("requests") or {}
    faults = []
    for item in plugin._items(a, "PersistentVolumeClaim"):
        for name, bound in sorted((item.get("min") or {}).items()):
            faults += _min("PersistentVolumeClaim", name, bound, requests, {})
        for name, bound in sorted((item.get("max") or {}).items()):
            asked = requests.get(name)
            if asked is not None and _over(asked, bound):
                faults.append(f"maximum {name} usage per PersistentVolumeClaim is {bound}, but request is {asked}")
    return faults


def pod_amounts(pod: Obj, field: str) -> Amounts:
    """The requests or limits of a whole pod: the sum of its containers, or the largest init container."""
    total: dict[str, Quantity] = {}
    for what, container in _containers(pod):
        for name, text in ((container.get("resources") or {}).get(field) or {}).items():
            amount = Quantity.parse(text)
            if what == "container":
                total[name] = total[name] + amount if name in total else amount
            elif name not in total or total[name] < amount:
                total[name] = amount
    return {name: str(amount) for name, amount in total.items()}


def _bounds(kind: str, item: Obj, requests: Amounts, limits: Amounts) -> list[str]:
    checks: tuple[tuple[str, Callable[..., list[str]]], ...] = (
        ("min", _min),
        ("max", _max),
        ("maxLimitRequestRatio", _ratio),
    )
    return [
        fault
        for field, check in checks
        for name, bound in sorted((item.get(field) or {}).items())
        for fault in check(kind, name, bound, requests, limits)
    ]


def _min(kind: str, name: str, bound: Any, requests: Amounts, limits: Amounts) -> list[str]:
    start = f"minimum {name} usage per {kind} is {bound}"
    if name not in requests:
        return [f"{start}.  No request is specified"]
    if _over(bound, requests[name]):
        return [f"{start}, but request is {requests[name]}"]
    if name in limits and _over(bound, limits[name]):
        return [f"{start}, but limit is {limits[name]}"]
    return []


def _max(kind: str, name: str, bound: Any, requests: Amounts, limits: Amounts) -> list[str]:
    start = f"maximum {name} usage per {kind} is {bound}"
    if name not in limits:
        return [f"{start}.  No limit is specified"]
    if _over(limits[name], bound):
        return [f"{start}, but limit is {limits[name]}"]
    if name in requests and _over(requests[name], bound):
        return [f"{start}, but request is {requests[name]}"]
    return []


def _ratio(kind: str, name: str, bound: Any, requests: Amounts, limits: Amounts) -> list[str]:
    start = f"{name} max limit to request ratio per {kind} is {bound}"
    if not requests.get(name) or not Quantity.parse(requests[name]):
        return [f"{start}, but no request is specified or request is 0"]
    if not limits.get(name) or not Quantity.parse(limits[name]):
        return [f"{start}, but no limit is specified or limit is 0"]
    ratio = float(Quantity.parse(limits[name])) / float(Quantity.parse(requests[name]))
    return [f"{start}, but provided ratio is {ratio:f}"] if ratio > float(Quantity.parse(bound)) else []


def _over(amount: Any, bound: Any) -> bool:
    return Quantity.parse(amount) > Quantity.parse(bound)
