"""Endpoints that people write by hand, for Services without a selector, mirrored into EndpointSlices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.controllers import endpoints as owned
from cluster.controllers.context import Context
from cluster.controllers.endpointslice import MANAGED_BY, SERVICE_NAME, slices_by_service
from cluster.machinery.owners import owner_reference
from cluster.machinery.resources import ENDPOINT_SLICES, ENDPOINTS, ENDPOINTS_KIND, SERVICES
from cluster.machinery.selecting import labels_of
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
_NOT_COPIED = {"kubectl.kubernetes.io/last-applied-configuration", "endpoints.kubernetes.io/last-change-trigger-time"}


def mirrored(endpoints: Obj | None, service: Obj | None) -> bool:
    if endpoints is None or service is None or service["spec"].get("selector"):
        return False
    labels = labels_of(endpoints)
    if labels.get(owned.MANAGED_BY) == owned.MANAGER or labels.get(SKIP) == "true":
        return False
    return "control-plane.alpha.kubernetes.io/leader" not in (endpoints["metadata"].get("annotations") or {})


def wanted(endpoints: Obj) -> list[Obj]:
    """One slice a subset and address family."""
    out = []
    for subset in endpoints.get("subsets") or ():
        for family in ("IPv4", "IPv6"):
            members = _members(subset, family)
            if members:
                out.append(_slice(endpoints, subset, family, members))
    return out


def _members(subset: Obj, family: str) -> list[dict[str, Any]]:
    found = [(a, True) for a in subset.get("addresses") or ()] + [
        (a, False) for a in subset.get("notReadyAddresses") or ()
    ]
    return [_endpoint(a, ready) for a, ready in found if (":" in a["ip"]) == (family == "IPv6")]


def _endpoint(address: Obj, ready: bool) -> dict[str, Any]:
    out: dict[str, Any] = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    for field in ("hostname", "targetRef", "nodeName"):
        if address.get(field):
            out[field] = address[field]
    return out


def _slice(endpoints: Obj, subset: Obj, family: str, members: list[dict[str, Any]]) -> Obj:
    meta = endpoints["metadata"]
    ports = [
        {"name": p.get("name") or "", "protocol": p.get("protocol") or "TCP", **_more(p)}
        for p in subset.get("ports") or ()
    ]
    out: Obj = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": {**labels_of(endpoints), SERVICE_NAME: meta["name"], MANAGED_BY: MANAGER},
            "ownerReferences": [owner_reference(endpoints, ENDPOINTS_KIND)],
        },
        "addressType": family,
        "endpoints": members,
        "ports": ports or None,
    }
    copied = {k: v for k, v in (meta.get("annotations") or {}).items() if k not in _NOT_COPIED}
    if copied:
        out["metadata"]["annotations"] = copied
    return out


def _more(port: Obj) -> dict[str, Any]:
    return {k: port[k] for k in ("port", "appProtocol") if k in port}


class MirrorController:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._endpoints, self._services = context.informers.of(ENDPOINTS), context.informers.of(SERVICES)
        self._slices = context.informers.of(ENDPOINT_SLICES)
        slices_by_service(self._slices)
        watched = [self._endpoints, self._services, self._slices]
        self.loop = context.controller("endpointslicemirroring", self.reconcile, watched, workers=1)
        self._endpoints.add_handler(self._changed)
        self._services.add_handler(self._changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        self.loop.queue.add(key_of(new or old or {}))

    async def reconcile(self, key: ObjectKey) -> float | None:
        endpoints = self._endpoints.get(key.name, key.namespace)
        service = self._services.get(key.name, key.namespace)
        found = [
            s
            for s in self._slices.by_index("service", f"{key.namespace}/{key.name}")
            if labels_of(s).get(MANAGED_BY) == MANAGER
        ]
        slices = wanted(endpoints) if endpoints is not None and mirrored(endpoints, service) else []
        await self._write(key, slices, found)
        return None

    async def _write(self, key: ObjectKey, slices: Sequence[Obj], found: Sequence[Obj]) -> None:
        left = list(found)
        for slice_ in slices:
            reuse = next((s for s in left if s["addressType"] == slice_["addressType"]), None)
            if reuse is None:
                await self._client.create(ENDPOINT_SLICES, slice_, key.namespace)
                continue
            left.remove(reuse)
            if any(reuse.get(k) != slice_.get(k) for k in ("endpoints", "ports")):
                own = clone(reuse) | {k: slice_[k] for k in ("endpoints", "ports")}
                await self._client.update(ENDPOINT_SLICES, own)
        for slice_ in left:
            try:
                await self._client.delete(ENDPOINT_SLICES, slice_["metadata"]["name"], key.namespace)
            except StatusError as error:
                if not is_not_found(error):
                    raise


def start(context: Context) -> MirrorController:
    return MirrorController(context)
