"""Who is the API server of this cluster: a Lease in kube-system, renewed while it lives, with its address. Leases of
servers that are gone are removed. Servers that share a store do this together instead: `masters`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.times import micros, unix
from cluster.meta.types import GroupVersionResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

LEASES = GroupVersionResource("coordination.k8s.io", "v1", "leases")
NAMESPACE = "kube-system"
COMPONENT, HOSTNAME = "apiserver.kubernetes.io/identity", "kubernetes.io/hostname"
ADDRESS = "kubernetes.io/peer-advertise-address"
DURATION = 3600
RENEW_EVERY = 10.0
_log = logging.getLogger(__name__)


def identity_of(hostname: str) -> str:
    """The same for every start on a machine."""
    import base64
    import hashlib

    parts = (hostname.encode(), b"kube-apiserver")
    digest = hashlib.sha256(b"".join(len(part).to_bytes(2, "big") + part for part in parts)).digest()[:16]
    return f"apiserver-{base64.b32encode(digest).decode().rstrip('=').lower()}"


class Identity:
    """`run` must be a task for as long as the server lives."""

    def __init__(self, server: ApiServer) -> None:
        from cluster.apiserver.registry.metadata import new_uid

        self._server = server
        self._name = identity_of(server.options.hostname)
        self._holder = f"{self._name}_{new_uid()}"
        self._renewals = 0

    async def run(self) -> None:
        if self._server.kinds.by_gvr(LEASES) is None:
            return
        while True:
            try:
                await self._renew()
                if self._renewals % (DURATION // RENEW_EVERY) == 0:
                    await self._collect()
                self._renewals += 1
            except StatusError as error:
                _log.warning("the lease %s could not be renewed: %s", self._name, error)
            await self._server.clock.sleep(RENEW_EVERY)

    async def _renew(self) -> None:
        client, held = self._server.client(), self._held()
        if held is None:
            await client.create(LEASES, self._wanted(), NAMESPACE)
            return
        wanted = self._wanted()
        meta = held["metadata"]
        meta = {
            **meta,
            "labels": {**(meta.get("labels") or {}), **wanted["metadata"]["labels"]},
            "annotations": {**(meta.get("annotations") or {}), **wanted["metadata"]["annotations"]},
        }
        await client.update(LEASES, {**held, "metadata": meta, "spec": wanted["spec"]})

    async def _collect(self) -> None:
        now = self._server.clock.now()
        for lease in self._server.feed.all(LEASES.group_resource, NAMESPACE):
            if (lease["metadata"].get("labels") or {}).get(COMPONENT) == "kube-apiserver" and _ran_out(lease, now):
                try:
                    await self._server.client().delete(LEASES, lease["metadata"]["name"], NAMESPACE)
                except StatusError as error:
                    if not errors.is_not_found(error):
                        raise

    def _held(self) -> Obj | None:
        return self._server.feed.get(LEASES.group_resource, NAMESPACE, self._name)

    def _wanted(self) -> Obj:
        server = self._server
        address = f"{server.options.advertise or server.options.address}:{server.port}"
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self._name,
                "namespace": NAMESPACE,
                "labels": {COMPONENT: "kube-apiserver", HOSTNAME: server.options.hostname},
                "annotations": {ADDRESS: address},
            },
            "spec": {
                "holderIdentity": self._holder,
                "leaseDurationSeconds": DURATION,
                "renewTime": micros(server.clock.now()),
            },
        }


def _ran_out(lease: Obj, now: float) -> bool:
    spec: dict[str, Any] = lease.get("spec") or {}
    renewed = spec.get("renewTime")
    if not renewed or not spec.get("leaseDurationSeconds"):
        return True
    return bool(unix(renewed) + spec["leaseDurationSeconds"] < now)
