"""The API servers that share a store: each says that it lives, and all of them write who lives into the Service
`kubernetes`.

A server's word is a Lease in kube-system, as of Kubernetes' API server identity, with its address in an annotation. No
clocks are compared: a server counts the others' time from when it saw their Leases change. Whoever sees the list of
the living differ from the endpoints writes them; they all write the same. It must not know how requests are served.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import TYPE_CHECKING

from cluster.apiserver import bootstrap
from cluster.machinery.clock import rfc3339_micro
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.types import GroupResource, GroupVersionResource, Obj
from cluster.storage.interface import StoreUnavailable

if TYPE_CHECKING:
    from cluster.apiserver.allocators.shared import SharedAllocator
    from cluster.apiserver.server import ApiServer

LEASES = GroupVersionResource("coordination.k8s.io", "v1", "leases")
SERVICES = GroupResource("", "services")
IDENTITY = "apiserver.kubernetes.io/identity"
ENDPOINT = "pyhelm.io/endpoint"
_NAMESPACE = "kube-system"
RENEW, HOLDS, FORGOTTEN = 5.0, 15.0, 3600.0
"""Seconds between signs of life, after which a silent server is taken out, and after which its Lease is removed."""
_MEND_EVERY = 12
"""Rounds between two looks for claims that nobody uses."""


class Masters:
    """`start` joins, `run` must be a task while the server lives, `leave` takes it out at once."""

    def __init__(self, server: ApiServer, allocator: SharedAllocator) -> None:
        self._server, self._allocator = server, allocator
        self._client = server.client()
        self._seen: dict[str, tuple[str, float]] = {}
        self._holder = uuid.uuid4().hex

    async def start(self) -> None:
        """Raises StatusError, StoreUnavailable."""
        await self._allocator.mend(self._server.feed.all(SERVICES))
        await self._renew()
        await self.reconcile()

    async def run(self) -> None:
        rounds = 0
        while True:
            await self._server.clock.sleep(RENEW)
            rounds += 1
            try:
                await self._renew()
                await self.reconcile()
                if rounds % _MEND_EVERY == 0:
                    await self._allocator.mend(self._server.feed.all(SERVICES))
            except (StatusError, StoreUnavailable):
                # Another look comes soon, and whatever was refused now is seen by then.
                continue

    async def leave(self) -> None:
        try:
            await self._client.delete(LEASES, self.name, _NAMESPACE)
            await self.reconcile()
        except (StatusError, StoreUnavailable):
            return

    @property
    def name(self) -> str:
        """Of its Lease; the same for the same address."""
        digest = hashlib.sha256(self._endpoint.encode()).digest()[:16]
        return "apiserver-" + base64.b32encode(digest).decode().rstrip("=").lower()

    @property
    def _endpoint(self) -> str:
        options = self._server.options
        return f"{options.advertise or options.address}:{self._server.port}"

    async def _renew(self) -> None:
        lease = self._lease()
        try:
            held = await self._client.get(LEASES, self.name, _NAMESPACE)
        except StatusError as error:
            if not is_not_found(error):
                raise
            await self._client.create(LEASES, lease, _NAMESPACE)
            return
        await self._client.update(LEASES, {**lease, "metadata": {**clone(held)["metadata"], **lease["metadata"]}})

    def _lease(self) -> Obj:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self.name,
                "namespace": _NAMESPACE,
                "labels": {IDENTITY: "kube-apiserver"},
                "annotations": {ENDPOINT: self._endpoint},
            },
            "spec": {
                "holderIdentity": f"{self.name}_{self._holder}",
                "leaseDurationSeconds": int(HOLDS),
                "renewTime": rfc3339_micro(self._server.clock.now()),
            },
        }

    async def reconcile(self) -> None:
        """Make the endpoints of the Service `kubernetes` those of the living. Raises StatusError."""
        now, living = self._server.clock.now(), set()
        for lease in list(self._server.feed.all(LEASES.group_resource, _NAMESPACE)):
            meta = lease["metadata"]
            if (meta.get("labels") or {}).get(IDENTITY) != "kube-apiserver":
                continue
            silent = now - self._changed(meta, now)
            if silent > FORGOTTEN:
                await self._client.delete(LEASES, meta["name"], _NAMESPACE)
            address, _, port = (meta.get("annotations") or {}).get(ENDPOINT, "").rpartition(":")
            if silent <= HOLDS and port.isdigit():
                living.add((address, int(port)))
        await bootstrap.advertise(self._server, sorted(living))

    def _changed(self, meta: Obj, now: float) -> float:
        """When this server saw the Lease change."""
        version, at = self._seen.get(meta["name"], ("", now))
        if version != meta["resourceVersion"]:
            at = now
            self._seen[meta["name"]] = meta["resourceVersion"], at
        return at
