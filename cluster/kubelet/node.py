"""The node as the API shows it: registration, conditions, and the lease that says it is alive."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from cluster.client.interface import Client
from cluster.kubelet import machine as machines
from cluster.kubelet.machine import Machine
from cluster.machinery.clock import Clock, rfc3339, rfc3339_micro
from cluster.machinery.events import NORMAL, Recorder
from cluster.machinery.resources import LEASES, NODE, NODES
from cluster.meta.errors import StatusError, is_already_exists, is_conflict, is_not_found
from cluster.meta.objects import clone
from cluster.meta.types import Obj

log = logging.getLogger(__name__)
_LEASE_NAMESPACE = "kube-node-lease"
_LEASE_SECONDS, _RENEW_SECONDS = 40, 10.0
_STATUS_SECONDS = 300.0
_STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    name: str
    address: str = "127.0.0.1"
    pod_cidr: str = "127.2.0.0/24"
    control_plane: bool = False
    max_pods: int = 110
    version: str = "v1.36.0"
    labels: dict[str, str] = field(default_factory=dict)
    kubelet_port: int = 10250


class NodeRegistration:
    """`register` makes the Node ready; `run` keeps lease and status fresh until cancelled."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        options: NodeOptions,
        machine: Machine,
        runtime: tuple[str, str],
        events: Recorder,
    ) -> None:
        self._client, self._clock, self._options = client, clock, options
        self._machine, self._runtime, self._events = machine, runtime, events
        self.uid = ""

    async def register(self) -> None:
        """Create the Node, or bring the one there up to date. Raises StatusError."""
        try:
            node = await self._client.create(NODES, self._fresh())
        except StatusError as error:
            if not is_already_exists(error):
                raise
            node = await self._refresh_labels()
        self.uid = node["metadata"]["uid"]
        await self._write_status(node)
        await self._renew()
        self._tell("Starting", "Starting kubelet.")
        self._tell("NodeReady", f"Node {self._options.name} status is now: NodeReady")

    def _tell(self, reason: str, message: str) -> None:
        # Upstream refers to a node by its name in place of its uid.
        name = self._options.name
        self._events.event_ref(
            {"kind": NODE.kind, "name": name, "uid": name, "apiVersion": "v1"}, NORMAL, reason, message
        )

    async def run(self) -> None:
        next_status = self._clock.now() + _STATUS_SECONDS
        while True:
            await self._clock.sleep(_RENEW_SECONDS)
            try:
                await self._renew()
                if self._clock.now() >= next_status:
                    await self._write_status(await self._client.get(NODES, self._options.name))
                    next_status = self._clock.now() + _STATUS_SECONDS
            except (StatusError, OSError) as error:
                if is_not_found(error):
                    await self._again()
                else:
                    log.warning("node %s: %s", self._options.name, error)

    async def _again(self) -> None:
        """Somebody deleted the Node: it registers again, as a kubelet does when it is restarted."""
        try:
            await self.register()
        except (StatusError, OSError) as error:
            log.warning("node %s: %s", self._options.name, error)

    def _labels(self) -> dict[str, str]:
        options, machine = self._options, self._machine
        out = {
            "beta.kubernetes.io/arch": machine.architecture,
            "beta.kubernetes.io/os": "linux",
            "kubernetes.io/arch": machine.architecture,
            "kubernetes.io/hostname": options.name,
            "kubernetes.io/os": "linux",
        }
        if options.control_plane:
            out["node-role.kubernetes.io/control-plane"] = ""
        return out | options.labels

    def _fresh(self) -> Obj:
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self._options.name, "labels": self._labels()},
            "spec": {"podCIDR": self._options.pod_cidr, "podCIDRs": [self._options.pod_cidr]},
        }

    async def _refresh_labels(self) -> Obj:
        body = {"metadata": {"labels": self._labels()}}
        return await self._client.patch(NODES, self._options.name, "", body, patch_type=_STRATEGIC)

    async def _write_status(self, node: Obj) -> None:
        old = {c["type"]: c for c in (node.get("status") or {}).get("conditions") or ()}
        options, machine = self._options, self._machine
        status = {
            "addresses": [
                {"type": "InternalIP", "address": options.address},
                {"type": "Hostname", "address": options.name},
            ],
            "allocatable": machines.allocatable(machine, options.max_pods),
            "capacity": machines.capacity(machine, options.max_pods),
            "conditions": [self._condition(*each, old) for each in _CONDITIONS],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": options.kubelet_port}},
            "nodeInfo": self._info(),
        }
        await self._client.patch(
            NODES, options.name, "", {"status": status}, patch_type=_STRATEGIC, subresource="status"
        )

    def _condition(self, kind: str, value: str, reason: str, message: str, old: dict[str, Any]) -> dict[str, str]:
        now = rfc3339(self._clock.now())
        before = old.get(kind) or {}
        moved = before.get("lastTransitionTime") if before.get("status") == value else now
        return {
            "type": kind,
            "status": value,
            "lastHeartbeatTime": now,
            "lastTransitionTime": moved or now,
            "reason": reason,
            "message": message,
        }

    def _info(self) -> dict[str, str]:
        machine, (name, version) = self._machine, self._runtime
        return {
            "architecture": machine.architecture,
            "bootID": machine.boot_id,
            "containerRuntimeVersion": f"{name}://{version}",
            "kernelVersion": machine.kernel,
            "kubeProxyVersion": "",
            "kubeletVersion": self._options.version,
            "machineID": machine.machine_id,
            "operatingSystem": "linux",
            "osImage": machine.os_image,
            "systemUUID": machine.system_uuid,
        }

    async def _renew(self) -> None:
        name, now = self._options.name, rfc3339_micro(self._clock.now())
        try:
            lease = clone(await self._client.get(LEASES, name, _LEASE_NAMESPACE))
            lease["spec"] = {**(lease.get("spec") or {}), "renewTime": now}
            await self._client.update(LEASES, lease)
        except StatusError as error:
            if is_conflict(error):
                return
            if not is_not_found(error):
                raise
            await self._create_lease(name, now)

    async def _create_lease(self, name: str, now: str) -> None:
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": self.uid}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": _LEASE_NAMESPACE, "ownerReferences": [owner]},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": _LEASE_SECONDS, "renewTime": now},
        }
        for _ in range(50):
            try:
                await self._client.create(LEASES, lease, _LEASE_NAMESPACE)
                return
            except StatusError as error:
                # At the very first start the namespace may come a moment after the node.
                if not is_not_found(error):
                    raise
                await asyncio.sleep(0.02)


_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
