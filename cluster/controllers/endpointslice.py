"""EndpointSlices of each Service with a selector: at most a hundred endpoints a slice, one set per address family and
per combination of ports. Endpoints stay in the slice they are in, so that a change writes as few slices as can be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.controllers import services
from cluster.controllers.context import Context
from cluster.machinery import pods as podlib
from cluster.machinery.informer import Informer
from cluster.machinery.owners import owner_reference
from cluster.machinery.resources import ENDPOINT_SLICES, NODES, PODS, SERVICE, SERVICES
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
ZONE = "topology.kubernetes.io/zone"
_MOST = 100
_PATIENCE = 5.0
"""Seconds to wait for the informer to show what was written last, before planning again."""


@dataclass(slots=True)
class Plan:
    create: list[Obj] = field(default_factory=list)
    update: list[Obj] = field(default_factory=list)
    delete: list[Obj] = field(default_factory=list)


def endpoint(service: Obj, pod: Obj, family: str, zones: dict[str, str]) -> dict[str, Any]:
    """One endpoint of a pod for an address family; without addresses when the pod has none of it."""
    serving, terminating = podlib.ready(pod), bool(pod["metadata"].get("deletionTimestamp"))
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    out: dict[str, Any] = {
        "addresses": [a for a in services.addresses(pod) if (":" in a) == (family == "IPv6")][:1],
        "conditions": {
            "ready": publish or (serving and not terminating),
            "serving": serving,
            "terminating": terminating,
        },
    }
    if name := services.host_name(pod, service):
        out["hostname"] = name
    out["targetRef"] = services.target(pod)
    node = podlib.node_name(pod)
    if node:
        out["nodeName"] = node
    if zones.get(node):
        out["zone"] = zones[node]
    return out


def plan(service: Obj, pods: Iterable[Obj], found: Sequence[Obj], zones: dict[str, str], trigger: str) -> Plan:
    """What to do to the slices of a service; `zones` gives the zone of a node."""
    out = Plan()
    shown = [pod for pod in pods if services.shows(pod, include_terminating=True)]
    families = service["spec"].get("ipFamilies") or ["IPv4"]
    for family in families:
        _plan_family(service, shown, [s for s in found if s["addressType"] == family], zones, family, out)
    _reuse(out)
    out.delete += [s for s in found if s["addressType"] not in families]
    for slice_ in [*out.create, *out.update]:
        _stamp(slice_, trigger)
    return out


def _reuse(out: Plan) -> None:
    """A slice about to go takes the contents of one about to be made: one write instead of two."""
    for fresh in [*out.create]:
        old = next((s for s in out.delete if s["addressType"] == fresh["addressType"]), None)
        if old is None:
            continue
        out.create.remove(fresh)
        out.delete.remove(old)
        changed = clone(old) | {"endpoints": fresh["endpoints"], "ports": fresh["ports"]}
        changed["metadata"]["labels"] = fresh["metadata"]["labels"]
        out.update.append(changed)


def _plan_family(
    service: Obj, pods: Sequence[Obj], found: Sequence[Obj], zones: dict[str, str], family: str, out: Plan
) -> None:
    wanted: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
    for pod in pods:
        one = endpoint(service, pod, family, zones)
        if one["addresses"]:
            ports = services.ports_of(service, pod)
            wanted.setdefault(_port_key(ports), (ports, []))[1].append(one)
    kept = 0
    for key, (ports, endpoints) in wanted.items():
        same = [s for s in found if _port_key(s.get("ports") or []) == key]
        kept += _plan_ports(service, ports, endpoints, same, family, out)
    unused = [s for s in found if _port_key(s.get("ports") or []) not in wanted]
    if kept:
        out.delete += unused
        return
    _keep_placeholder(service, unused, family, out)


def _port_key(ports: Sequence[dict[str, Any]]) -> str:
    return json.dumps(sorted(json.dumps(p, sort_keys=True) for p in ports))


def _keep_placeholder(service: Obj, unused: list[Obj], family: str, out: Plan) -> None:
    """A service without endpoints has one empty slice."""
    if not unused:
        out.create.append(_new_slice(service, family, [], []))
        return
    first, *rest = unused
    out.delete += rest
    wanted = _filled(service, first, [], [])
    if wanted is not None:
        out.update.append(wanted)


def _plan_ports(
    service: Obj,
    ports: list[dict[str, Any]],
    endpoints: list[dict[str, Any]],
    found: Sequence[Obj],
    family: str,
    out: Plan,
) -> int:
    """Keep endpoints where they are, fill the room that is left, then open new slices. The number of slices."""
    waiting = {_identity(e): e for e in endpoints}
    contents = []
    for slice_ in found:
        here = [waiting.pop(i) for e in slice_.get("endpoints") or () if (i := _identity(e)) in waiting]
        contents.append((slice_, here))
    rest = [*waiting.values()]
    for _, here in contents:
        room = _MOST - len(here)
        here += rest[:room]
        rest = rest[room:]
    count = 0
    for slice_, here in contents:
        if not here and (count or rest or any(h for _, h in contents)):
            out.delete.append(slice_)
            continue
        count += 1
        wanted = _filled(service, slice_, ports, here)
        if wanted is not None:
            out.update.append(wanted)
    for start in range(0, len(rest), _MOST):
        out.create.append(_new_slice(service, family, ports, rest[start : start + _MOST]))
        count += 1
    return count


def _identity(one: dict[str, Any]) -> tuple[str, str]:
    return (one["addresses"][0] if one.get("addresses") else "", (one.get("targetRef") or {}).get("uid", ""))


def _labels(service: Obj) -> dict[str, str]:
    return services.base_labels(service) | {SERVICE_NAME: service["metadata"]["name"], MANAGED_BY: MANAGER}


def _slice_ports(ports: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return [
        {"name": p["name"], "protocol": p["protocol"], **{k: p[k] for k in ("port", "appProtocol") if k in p}}
        for p in ports
    ] or None


def _new_slice(service: Obj, family: str, ports: list[dict[str, Any]], endpoints: list[dict[str, Any]]) -> Obj:
    meta = service["metadata"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": _labels(service),
            "ownerReferences": [owner_reference(service, SERVICE)],
        },
        "addressType": family,
        "endpoints": endpoints or None,
        "ports": _slice_ports(ports),
    }


def _filled(service: Obj, slice_: Obj, ports: list[dict[str, Any]], endpoints: list[dict[str, Any]]) -> Obj | None:
    """The slice with these contents, or None when it has them already."""
    labels = _labels(service)
    same = (
        (slice_.get("endpoints") or []) == endpoints
        and (slice_.get("ports") or None) == _slice_ports(ports)
        and slice_["metadata"].get("labels") == labels
    )
    if same:
        return None
    out = clone(slice_)
    out["metadata"]["labels"] = labels
    out["endpoints"], out["ports"] = endpoints or None, _slice_ports(ports)
    return out


def _stamp(slice_: Obj, trigger: str) -> None:
    annotations = dict(slice_["metadata"].get("annotations") or {})
    annotations.pop(services.TRIGGER, None)
    if trigger:
        annotations[services.TRIGGER] = trigger
    slice_["metadata"].pop("annotations", None)
    if annotations:
        slice_["metadata"]["annotations"] = annotations


def slices_by_service(slices: Informer) -> None:
    """The index `service`: slices by `namespace/service`."""
    slices.add_index("service", _service_of)


def _service_of(slice_: Obj) -> Iterable[str]:
    name = (slice_["metadata"].get("labels") or {}).get(SERVICE_NAME)
    return (f"{slice_['metadata']['namespace']}/{name}",) if name else ()


class EndpointSliceController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._services = context.informers.of(SERVICES)
        self._pods = context.informers.of(PODS)
        self._nodes = context.informers.of(NODES)
        self._slices = context.informers.of(ENDPOINT_SLICES)
        slices_by_service(self._slices)
        self._times = services.TriggerTimes()
        self._written: dict[ObjectKey, dict[str, int]] = {}
        self._until: dict[ObjectKey, float] = {}
        watched = [self._services, self._pods, self._nodes, self._slices]
        self.loop = context.controller("endpointslice", self.reconcile, watched, workers=2)
        self._services.add_handler(self._changed)
        self._pods.add_handler(self._pod_changed)
        self._slices.add_handler(self._slice_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        self.loop.queue.add(key_of(new or old or {}))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        if services.touches_endpoints(old, new):
            for pod in (old, new):
                for key in services.services_of(pod, self._services) if pod is not None else ():
                    self.loop.queue.add(key)

    def _slice_changed(self, old: Obj | None, new: Obj | None) -> None:
        changed = new or old
        assert changed is not None
        labels = changed["metadata"].get("labels") or {}
        if labels.get(SERVICE_NAME) and labels.get(MANAGED_BY) == MANAGER:
            self.loop.queue.add(ObjectKey(changed["metadata"]["namespace"], labels[SERVICE_NAME]))

    def _current(self, key: ObjectKey) -> list[Obj] | None:
        """The slices of a service; None while the informer has not shown our own last writes."""
        found = [
            s
            for s in self._slices.by_index("service", f"{key.namespace}/{key.name}")
            if (s["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER
            and not s["metadata"].get("deletionTimestamp")
        ]
        pending = self._written.get(key, {})
        shown = {s["metadata"]["uid"]: int(s["metadata"]["resourceVersion"]) for s in found}
        for uid, version in [*pending.items()]:
            if shown.get(uid, 0) >= version:
                del pending[uid]
        return None if pending and self._context.clock.now() < self._until.get(key, 0.0) else found

    async def reconcile(self, key: ObjectKey) -> float | None:
        service = self._services.get(key.name, key.namespace)
        if service is None or not services.has_endpoints(service) or service["metadata"].get("deletionTimestamp"):
            self._times.forget(key)
            self._written.pop(key, None)
            self._until.pop(key, None)
            return None
        found = self._current(key)
        if found is None:
            return _PATIENCE + 0.1
        pods = services.selected(service, self._pods)
        zones = {podlib.node_name(pod): self._zone(podlib.node_name(pod)) for pod in pods}
        await self._act(key, plan(service, pods, found, zones, self._times.compute(service, pods)))
        return None

    def _zone(self, node: str) -> str:
        found = self._nodes.get(node)
        return (found["metadata"].get("labels") or {}).get(ZONE, "") if found is not None else ""

    async def _act(self, key: ObjectKey, decided: Plan) -> None:
        written = self._written.setdefault(key, {})
        self._until[key] = self._context.clock.now() + _PATIENCE
        try:
            for slice_ in decided.update:
                made = await self._client.update(ENDPOINT_SLICES, slice_)
                written[made["metadata"]["uid"]] = int(made["metadata"]["resourceVersion"])
            for slice_ in decided.create:
                made = await self._client.create(ENDPOINT_SLICES, slice_, key.namespace)
                written[made["metadata"]["uid"]] = int(made["metadata"]["resourceVersion"])
            for slice_ in decided.delete:
                await self._delete(slice_)
        except StatusError as error:
            if error.code != 403:
                raise

    async def _delete(self, slice_: Obj) -> None:
        try:
            await self._client.delete(ENDPOINT_SLICES, slice_["metadata"]["name"], slice_["metadata"]["namespace"])
        except StatusError as error:
            if not is_not_found(error):
                raise


def start(context: Context) -> EndpointSliceController:
    return EndpointSliceController(context)
