"""A kubelet that runs nothing: it says of each pod what the pod's annotation asks for, after fixed short times.

It is the one the recorded controller scenarios were made with: a scheduled pod is Running and Ready after 50 ms, a
Job's pod succeeds 150 ms later, a deleted pod goes at once. The annotation `golden/behavior` says otherwise: run,
notready, pending, succeed, fail:N, fail-index:I,J, fail-disruption:N, hold-delete; an image tagged `:bad` is never
pulled. Nodes renew their lease every two seconds until they are told to be dead.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from cluster.client.interface import Client
from cluster.machinery import pods as podlib
from cluster.machinery.clock import Clock, rfc3339, rfc3339_micro
from cluster.machinery.informer import Informer
from cluster.machinery.owners import STRATEGIC
from cluster.machinery.resources import LEASES, NODES, PODS
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.types import Obj

_DELAY, _WORK, _BEAT = 0.05, 0.15, 2.0
_LEASE_NAMESPACE = "kube-node-lease"
_BEHAVIOR = "golden/behavior"
_INFO = {
    "kubeletVersion": "v1.36.2",
    "osImage": "Golden Linux",
    "kernelVersion": "6.1.0",
    "containerRuntimeVersion": "containerd://2.0.0",
    "machineID": "m",
    "systemUUID": "s",
    "bootID": "b",
    "kubeProxyVersion": "",
    "operatingSystem": "linux",
    "architecture": "amd64",
}


class FakeKubelet:
    """Serves every node made by `add_node`. `run()` until cancelled."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._pods = Informer(client, PODS, clock)
        self._nodes: set[str] = set()
        self._dead: set[str] = set()
        self._seen: set[tuple[str, str]] = set()
        self._addresses = 0
        self._tasks: asyncio.TaskGroup | None = None
        self._pods.add_handler(self._changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._tasks = group
            group.create_task(self._pods.run())
            while True:
                for node in sorted(self._nodes - self._dead):
                    await self._beat(node)
                await self._clock.sleep(_BEAT)

    # -- nodes -------------------------------------------------------------------------------------------------

    async def add_node(self, name: str, step: dict[str, Any]) -> None:
        """A node as a scenario's step describes it: cpu, mem, pods, labels, taints, unsched, ready, extra."""
        node: Obj = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(step.get("labels") or {})}},
            "spec": {},
        }
        if step.get("taints"):
            node["spec"]["taints"] = step["taints"]
        if step.get("unsched"):
            node["spec"]["unschedulable"] = True
        self._nodes.add(name)
        await self._client.create(NODES, node)
        await self._status(name, step)
        await self._clock.sleep(0.2)
        await self._untaint(name, bool(step.get("ready", True)))

    async def _status(self, name: str, step: dict[str, Any]) -> None:
        capacity = {
            "cpu": str(step.get("cpu", "8")),
            "memory": step.get("mem", "16Gi"),
            "pods": str(step.get("pods", "500")),
            "ephemeral-storage": "100Gi",
            **(step.get("extra") or {}),
        }
        now = rfc3339(self._clock.now())
        ready = {
            "type": "Ready",
            "status": "True" if step.get("ready", True) else "False",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        addresses = [{"type": "InternalIP", "address": "192.0.2.1"}, {"type": "Hostname", "address": name}]
        status = {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [ready],
            "addresses": addresses,
            "nodeInfo": _INFO,
        }
        await self._client.patch(NODES, name, "", {"status": status}, patch_type=STRATEGIC, subresource="status")

    async def _untaint(self, name: str, ready: bool) -> None:
        node = await self._client.get(NODES, name)
        taints = (node.get("spec") or {}).get("taints") or []
        left = [t for t in taints if t["key"] != "node.kubernetes.io/not-ready" or not ready]
        if left != taints:
            await self._client.patch(NODES, name, "", {"spec": {"taints": left or None}})

    def kill(self, name: str) -> None:
        self._dead.add(name)

    async def revive(self, name: str) -> None:
        """It renews its lease again and posts that it is ready."""
        self._dead.discard(name)
        await self._status(name, {})

    async def _beat(self, node: str) -> None:
        spec = {"renewTime": rfc3339_micro(self._clock.now()), "holderIdentity": node, "leaseDurationSeconds": 40}
        try:
            await self._client.patch(LEASES, node, _LEASE_NAMESPACE, {"spec": spec})
        except StatusError as error:
            if is_not_found(error):
                lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
                with suppress(StatusError):
                    await self._client.create(
                        LEASES, {**lease, "metadata": {"name": node}, "spec": spec}, _LEASE_NAMESPACE
                    )

    # -- pods --------------------------------------------------------------------------------------------------

    def _changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None and podlib.node_name(new) in self._nodes - self._dead and self._tasks is not None:
            self._tasks.create_task(self._serve(new))

    async def _serve(self, pod: Obj) -> None:
        with suppress(StatusError):
            if pod["metadata"].get("deletionTimestamp"):
                await self._end(pod)
            else:
                await self._start(pod)

    def _first(self, what: str, pod: Obj) -> bool:
        mark = (what, pod["metadata"]["uid"])
        if mark in self._seen:
            return False
        self._seen.add(mark)
        return True

    async def _end(self, pod: Obj) -> None:
        meta = pod["metadata"]
        if "hold-delete" in _behavior(pod) or not self._first("end", pod):
            return
        if _of_job(pod) and not podlib.terminal(pod):
            now = rfc3339(self._clock.now())
            ended = {"terminated": {"exitCode": 137, "startedAt": now, "finishedAt": now}}
            await self._write(pod, {"phase": "Failed", "containerStatuses": _containers(pod, ended, False)})
        await self._clock.sleep(_DELAY)
        await self._client.delete(PODS, meta["name"], meta["namespace"], grace_period=0, uid=meta["uid"])

    async def _start(self, pod: Obj) -> None:
        if podlib.phase(pod) not in {"", "Pending"} or not self._first("start", pod):
            return
        behavior = _behavior(pod)
        if behavior.startswith("pending"):
            return
        await self._clock.sleep(_DELAY)
        now = rfc3339(self._clock.now())
        if any(c["image"].endswith(":bad") for c in pod["spec"]["containers"]):
            waiting = _containers(pod, {"waiting": {"reason": "ErrImagePull"}}, False)
            status = {"phase": "Pending", "startTime": now, "conditions": _conditions(False, now)}
            await self._write(pod, {**status, "containerStatuses": waiting})
            return
        await self._write(pod, self._running(pod, not behavior.startswith("notready"), now))
        await self._finish(pod, behavior)

    def _running(self, pod: Obj, ready: bool, now: str) -> Obj:
        self._addresses += 1
        ip = f"10.244.{self._addresses // 250}.{self._addresses % 250 + 1}"
        return {
            "phase": "Running",
            "startTime": now,
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "hostIP": "192.0.2.1",
            "conditions": _conditions(ready, now),
            "containerStatuses": _containers(pod, {"running": {"startedAt": now}}, ready),
        }

    async def _finish(self, pod: Obj, behavior: str) -> None:
        if behavior.startswith(("run", "notready")) or not (_of_job(pod) or behavior.startswith(("succeed", "fail"))):
            return
        await self._clock.sleep(_WORK)
        now = rfc3339(self._clock.now())
        code = _exit_code(pod, behavior)
        conditions = _conditions(False, now)
        if behavior.startswith("fail-disruption"):
            disrupted = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}
            conditions.append({**disrupted, "lastTransitionTime": now})
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": now, "finishedAt": now}
        status = {"phase": "Failed" if code else "Succeeded", "conditions": conditions}
        await self._write(pod, {**status, "containerStatuses": _containers(pod, {"terminated": ended}, False)})

    async def _write(self, pod: Obj, status: Obj) -> None:
        meta = pod["metadata"]
        body = {"metadata": {"uid": meta["uid"]}, "status": status}
        await self._client.patch(
            PODS, meta["name"], meta["namespace"], body, patch_type=STRATEGIC, subresource="status"
        )


def _behavior(pod: Obj) -> str:
    return str((pod["metadata"].get("annotations") or {}).get(_BEHAVIOR, ""))


def _of_job(pod: Obj) -> bool:
    return any(ref["kind"] == "Job" for ref in pod["metadata"].get("ownerReferences") or ())


def _exit_code(pod: Obj, behavior: str) -> int:
    if behavior.startswith("fail-index:"):
        index = (pod["metadata"].get("annotations") or {}).get("batch.kubernetes.io/job-completion-index")
        return 1 if index in behavior.split(":")[1].split(",") else 0
    if behavior.startswith("fail"):
        return int([*behavior.split(":"), "1"][1] or 1)
    return 0


def _containers(pod: Obj, state: Obj, ready: bool) -> list[Obj]:
    return [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": ready,
            "started": ready,
            "restartCount": 0,
            "state": state,
        }
        for container in pod["spec"]["containers"]
    ]


def _conditions(ready: bool, now: str) -> list[Obj]:
    return [
        {"type": t, "status": "False" if t.endswith("Ready") and not ready else "True", "lastTransitionTime": now}
        for t in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
    ]
