"""The older Endpoints object of each Service with a selector."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from cluster.controllers import services
from cluster.controllers.context import Context
from cluster.machinery import pods as podlib
from cluster.machinery.resources import ENDPOINTS, PODS, SERVICES
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"


def subsets(service: Obj, pods: Iterable[Obj]) -> list[dict[str, Any]]:
    """Addresses grouped by the ports they have, as upstream's RepackSubsets puts them."""
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    family = (service["spec"].get("ipFamilies") or ["IPv4"])[0]
    groups: dict[str, dict[str, Any]] = {}
    for pod in pods:
        ip = next((a for a in services.addresses(pod) if _family(a) == family), "")
        if not ip or not services.shows(pod, include_terminating=publish):
            continue
        ports = sorted(map(_plain, services.ports_of(service, pod)), key=_port_hash)
        if not ports and service["spec"].get("ports"):
            continue
        group = groups.setdefault(repr(ports), {"ready": [], "not": [], "ports": ports})
        group["ready" if publish or podlib.ready(pod) else "not"].append(_address(service, pod, ip))
    return [_subset(group) for _, group in sorted(groups.items())]


def _family(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def _plain(port: dict[str, Any]) -> dict[str, Any]:
    return port if port["name"] else {k: v for k, v in port.items() if k != "name"}


def _port_hash(port: dict[str, Any]) -> bytes:
    protocol = port.get("appProtocol")
    app = f"(*string){protocol}" if protocol else "(*string)<nil>"
    text = (
        f"(*v1.EndpointPort){{Name:(string){port.get('name', '')} Port:(int32){port['port']} "
        f"Protocol:(v1.Protocol){port['protocol']} AppProtocol:{app}}}"
    )
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def _address(service: Obj, pod: Obj, ip: str) -> dict[str, Any]:
    out: dict[str, Any] = {"ip": ip}
    if name := services.host_name(pod, service):
        out["hostname"] = name
    out["nodeName"] = podlib.node_name(pod)
    out["targetRef"] = services.target(pod)
    return out


def _subset(group: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for source, field in (("ready", "addresses"), ("not", "notReadyAddresses")):
        if group[source]:
            out[field] = sorted(group[source], key=lambda a: (ip_address(a["ip"]).packed, a["targetRef"]["uid"]))
    if group["ports"]:
        out["ports"] = group["ports"]
    return out


def plan(service: Obj, pods: Iterable[Obj], found: Obj | None, trigger: str) -> Obj | None:
    """The Endpoints to write (new when `found` is None), or None when it is right."""
    wanted = subsets(service, pods)
    labels = services.base_labels(service) | {MANAGED_BY: MANAGER}
    if found is not None and (found.get("subsets") or []) == wanted and found["metadata"].get("labels") == labels:
        return None
    meta = service["metadata"]
    out: Obj = (
        clone(found)
        if found is not None
        else {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
        }
    )
    annotations = dict(out["metadata"].get("annotations") or {})
    annotations.pop(services.TRIGGER, None)
    if trigger:
        annotations[services.TRIGGER] = trigger
    out["metadata"]["labels"] = labels
    out["metadata"].pop("annotations", None)
    if annotations:
        out["metadata"]["annotations"] = annotations
    out.pop("subsets", None)
    if wanted:
        out["subsets"] = wanted
    return out


class EndpointsController:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._services = context.informers.of(SERVICES)
        self._pods = context.informers.of(PODS)
        self._endpoints = context.informers.of(ENDPOINTS)
        self._times = services.TriggerTimes()
        self.loop = context.controller(
            "endpoints", self.reconcile, [self._services, self._pods, self._endpoints], workers=2
        )
        self._services.add_handler(self._changed)
        self._endpoints.add_handler(self._endpoints_changed)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        self.loop.queue.add(key_of(new or old or {}))

    def _endpoints_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None and old is not None:
            self.loop.queue.add(key_of(old))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        if services.touches_endpoints(old, new):
            for pod in (old, new):
                for key in services.services_of(pod, self._services) if pod is not None else ():
                    self.loop.queue.add(key)

    async def reconcile(self, key: ObjectKey) -> float | None:
        service = self._services.get(key.name, key.namespace)
        found = self._endpoints.get(key.name, key.namespace)
        if service is None:
            self._times.forget(key)
            await self._drop(found)
            return None
        if not has_work(service):
            return None
        pods = services.selected(service, self._pods)
        wanted = plan(service, pods, found, self._times.compute(service, pods))
        if wanted is not None and found is None:
            await self._create(wanted)
        elif wanted is not None:
            await self._client.update(ENDPOINTS, wanted)
        return None

    async def _create(self, wanted: Obj) -> None:
        try:
            await self._client.create(ENDPOINTS, wanted, wanted["metadata"]["namespace"])
        except StatusError as error:
            if error.code != 403:
                raise

    async def _drop(self, found: Obj | None) -> None:
        if found is None or (found["metadata"].get("labels") or {}).get(MANAGED_BY) != MANAGER:
            return
        try:
            await self._client.delete(ENDPOINTS, found["metadata"]["name"], found["metadata"]["namespace"])
        except StatusError as error:
            if not is_not_found(error):
                raise


def has_work(service: Obj) -> bool:
    return services.has_endpoints(service) and not service["metadata"].get("deletionTimestamp")


def start(context: Context) -> EndpointsController:
    return EndpointsController(context)
