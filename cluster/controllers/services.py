"""What the two endpoint controllers share: which services a pod belongs to, ports, and the trigger time. Pure but for
the memory of trigger times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cluster.machinery import pods as podlib
from cluster.machinery.informer import Informer
from cluster.machinery.selecting import equality, labels_of
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

HEADLESS = "service.kubernetes.io/headless"
TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


def has_endpoints(service: Obj) -> bool:
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def selected(service: Obj, pods: Informer) -> list[Obj]:
    matches = equality(service["spec"]["selector"])
    return [pod for pod in pods.list(service["metadata"]["namespace"]) if matches(labels_of(pod))]


def services_of(pod: Obj, services: Informer) -> list[ObjectKey]:
    labels = labels_of(pod)
    return [
        key_of(service)
        for service in services.list(pod["metadata"]["namespace"])
        if has_endpoints(service) and equality(service["spec"]["selector"])(labels)
    ]


def touches_endpoints(old: Obj | None, new: Obj | None) -> bool:
    """Whether a change of a pod can change what services show of it."""
    return old is None or new is None or _shown(old) != _shown(new)


def _shown(pod: Obj) -> tuple[Any, ...]:
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    return (
        meta.get("uid"),
        meta.get("labels"),
        bool(meta.get("deletionTimestamp")),
        spec.get("nodeName"),
        spec.get("hostname"),
        spec.get("subdomain"),
        status.get("podIP"),
        status.get("podIPs"),
        podlib.terminal(pod),
        podlib.ready(pod),
        podlib.ready_since(pod),
    )


def addresses(pod: Obj) -> list[str]:
    status = pod.get("status") or {}
    return [entry["ip"] for entry in status.get("podIPs") or ()] or ([status["podIP"]] if status.get("podIP") else [])


def shows(pod: Obj, *, include_terminating: bool) -> bool:
    if podlib.terminal(pod) or not addresses(pod):
        return False
    return include_terminating or not pod["metadata"].get("deletionTimestamp")


def find_port(pod: Obj, port: dict[str, Any]) -> int | None:
    """The number a service port means on this pod; None when the pod has no port of that name."""
    target = port.get("targetPort", port["port"])
    if not isinstance(target, str):
        return int(target) or int(port["port"])
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in [*(spec.get("containers") or ()), *sidecars]:
        for found in container.get("ports") or ():
            if found.get("name") == target and found.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return int(found["containerPort"])
    return None


def ports_of(service: Obj, pod: Obj) -> list[dict[str, Any]]:
    """The service's ports as they are on this pod, in the service's order."""
    out = []
    for port in service["spec"].get("ports") or ():
        number = find_port(pod, port)
        if number is None:
            continue
        entry: dict[str, Any] = {
            "name": port.get("name") or "",
            "port": number,
            "protocol": port.get("protocol", "TCP"),
        }
        if port.get("appProtocol"):
            entry["appProtocol"] = port["appProtocol"]
        out.append(entry)
    return out


def target(pod: Obj) -> dict[str, str]:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def host_name(pod: Obj, service: Obj) -> str:
    spec = pod["spec"]
    if spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]:
        return str(spec["hostname"])
    return ""


@dataclass(slots=True)
class _Times:
    service: str = ""
    pods: dict[str, str] = field(default_factory=dict)


class TriggerTimes:
    """When the change began that a write of endpoints now answers to: the earliest new one among the creation of
    the service and the readiness changes of its pods; "" when only disappearances caused it."""

    def __init__(self) -> None:
        self._known: dict[ObjectKey, _Times] = {}

    def compute(self, service: Obj, pods: Iterable[Obj]) -> str:
        known = self._known.setdefault(key_of(service), _Times())
        stamps = {pod["metadata"]["name"]: _ready_stamp(pod) for pod in pods}
        changed = [stamp for name, stamp in stamps.items() if stamp > known.pods.get(name, "")]
        created = service["metadata"].get("creationTimestamp") or ""
        if created > known.service:
            changed.append(created)
        known.service, known.pods = created, stamps
        return min(changed, default="")

    def forget(self, key: ObjectKey) -> None:
        self._known.pop(key, None)


def _ready_stamp(pod: Obj) -> str:
    return (podlib.condition(pod, "Ready") or {}).get("lastTransitionTime") or ""


def base_labels(service: Obj) -> dict[str, str]:
    labels = dict(labels_of(service))
    labels.pop(HEADLESS, None)
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS] = ""
    return labels
