"""Nodes that fall silent: their conditions become Unknown, taints keep and drive pods away, their pods are not ready.

A node shows life by renewing its lease or its status. How long ago that was is measured by this process' own clock,
from when it saw the change, so the nodes' clocks do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cluster.controllers.context import Context
from cluster.machinery import pods as podlib
from cluster.machinery.clock import rfc3339
from cluster.machinery.events import NORMAL, WARNING
from cluster.machinery.owners import STRATEGIC
from cluster.machinery.pods import condition
from cluster.machinery.resources import LEASES, NODE, NODES, POD, PODS
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

_PREFIX = "node.kubernetes.io/"
NOT_READY, UNREACHABLE = f"{_PREFIX}not-ready", f"{_PREFIX}unreachable"
_BY_CONDITION = {
    "MemoryPressure": f"{_PREFIX}memory-pressure",
    "DiskPressure": f"{_PREFIX}disk-pressure",
    "PIDPressure": f"{_PREFIX}pid-pressure",
    "NetworkUnavailable": f"{_PREFIX}network-unavailable",
}
_TTL = "node.alpha.kubernetes.io/ttl"
_KEPT = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


def _ready(node: Obj) -> str:
    return (condition(node, "Ready") or {}).get("status") or "Unknown"


def wanted_taints(node: Obj) -> set[tuple[str, str]]:
    """(key, effect) of the taints that a node's conditions and cordon call for."""
    out: set[tuple[str, str]] = set()
    status = _ready(node)
    if status != "True":
        key = NOT_READY if status == "False" else UNREACHABLE
        out |= {(key, "NoExecute"), (key, "NoSchedule")}
    for type_, key in _BY_CONDITION.items():
        if (condition(node, type_) or {}).get("status") == "True":
            out.add((key, "NoSchedule"))
    if (node.get("spec") or {}).get("unschedulable"):
        out.add((f"{_PREFIX}unschedulable", "NoSchedule"))
    return out


_OURS = {NOT_READY, UNREACHABLE, f"{_PREFIX}unschedulable", *_BY_CONDITION.values()}


def plan_taints(node: Obj, now: float) -> list[dict[str, Any]] | None:
    """The node's taints as they should be, or None when they are."""
    current = (node.get("spec") or {}).get("taints") or []
    wanted = wanted_taints(node)
    kept = [t for t in current if t["key"] not in _OURS or (t["key"], t["effect"]) in wanted]
    have = {(t["key"], t["effect"]) for t in kept}
    new = [{"key": k, "effect": e, "timeAdded": rfc3339(now)} for k, e in sorted(wanted - have)]
    return None if len(kept) == len(current) and not new else [*kept, *new]


def unknown_status(node: Obj, now: float) -> dict[str, Any]:
    """The status of a node that has fallen silent."""
    status = clone(node.get("status") or {})
    conditions = status.setdefault("conditions", [])
    for type_ in _KEPT:
        found = condition(node, type_)
        if found is None:
            conditions.append(
                {
                    "type": type_,
                    "status": "Unknown",
                    "lastHeartbeatTime": node["metadata"]["creationTimestamp"],
                    "lastTransitionTime": rfc3339(now),
                    "reason": "NodeStatusNeverUpdated",
                    "message": "Kubelet never posted node status.",
                }
            )
        elif found["status"] != "Unknown":
            change = {
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
                "lastTransitionTime": rfc3339(now),
            }
            next(c for c in conditions if c["type"] == type_).update(change)
    return status


@dataclass(slots=True)
class _Life:
    """The last sign of life of a node: what it was and when it was seen."""

    sign: tuple[str, str]
    seen: float


class NodeLifecycleController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._nodes, self._leases = context.informers.of(NODES), context.informers.of(LEASES)
        self._pods = context.informers.of(PODS)
        self._pods.add_index("node", lambda pod: (podlib.node_name(pod),))
        self._recorder = context.recorder("node-controller")
        self._lives: dict[str, _Life] = {}
        self._unready: set[str] = set()
        watched = [self._nodes, self._leases, self._pods]
        self.loop = context.controller("node-lifecycle", self.reconcile, watched, workers=1)
        self._nodes.add_handler(self._changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        node = new or old
        assert node is not None
        self.loop.queue.add(key_of(node))
        if old is None:
            name = node["metadata"]["name"]
            text = f"Node {name} event: Registered Node {name} in Controller"
            self._recorder.event_ref(self._reference(node), NORMAL, "RegisteredNode", text)

    @staticmethod
    def _reference(node: Obj) -> dict[str, str]:
        return {"kind": NODE.kind, "apiVersion": "v1", "name": node["metadata"]["name"], "uid": node["metadata"]["uid"]}

    async def reconcile(self, key: ObjectKey) -> float | None:
        node = self._nodes.get(key.name)
        if node is None:
            self._lives.pop(key.name, None)
            self._unready.discard(key.name)
            return None
        now = self._context.clock.now()
        if self._silent(node, now) and _ready(node) != "Unknown":
            node = await self._set_unknown(node, now)
        await self._set_taints(node, now)
        await self._follow_pods(node)
        return self._context.options.node_monitor_period

    def _silent(self, node: Obj, now: float) -> bool:
        name = node["metadata"]["name"]
        lease = self._leases.get(name, "kube-node-lease")
        renewed = ((lease or {}).get("spec") or {}).get("renewTime") or ""
        beat = (condition(node, "Ready") or {}).get("lastHeartbeatTime") or ""
        life = self._lives.get(name)
        if life is None or life.sign != (renewed, beat):
            self._lives[name] = _Life((renewed, beat), now)
            return False
        return now - life.seen > self._context.options.node_monitor_grace

    async def _set_unknown(self, node: Obj, now: float) -> Obj:
        changed = {**node, "status": unknown_status(node, now)}
        return await self._client.update(NODES, changed, subresource="status")

    async def _set_taints(self, node: Obj, now: float) -> None:
        taints = plan_taints(node, now)
        body: dict[str, Any] = {}
        if taints is not None:
            body["spec"] = {"taints": taints or None}
        if _TTL not in (node["metadata"].get("annotations") or {}):
            body["metadata"] = {"annotations": {_TTL: "0"}}
        if body:
            body.setdefault("metadata", {})["resourceVersion"] = node["metadata"]["resourceVersion"]
            await self._client.patch(NODES, node["metadata"]["name"], "", body)

    async def _follow_pods(self, node: Obj) -> None:
        """When a node stops being ready, its pods are not ready either."""
        name = node["metadata"]["name"]
        if _ready(node) == "True":
            self._unready.discard(name)
            return
        if name in self._unready:
            return
        pods = self._pods.by_index("node", name)
        for pod in pods:
            await self._unready_pod(pod)
        self._unready.add(name)
        if pods:
            text = f"Node {name} status is now: NodeNotReady"
            self._recorder.event_ref(self._reference(node), NORMAL, "NodeNotReady", text)

    async def _unready_pod(self, pod: Obj) -> None:
        meta = pod["metadata"]
        if not podlib.ready(pod):
            return
        change = {"type": "Ready", "status": "False", "lastTransitionTime": rfc3339(self._context.clock.now())}
        body = {"metadata": {"uid": meta["uid"]}, "status": {"conditions": [change]}}
        try:
            await self._client.patch(
                PODS, meta["name"], meta["namespace"], body, patch_type=STRATEGIC, subresource="status"
            )
        except StatusError as error:
            if not is_not_found(error):
                raise
            return
        self._recorder.event(pod, POD, WARNING, "NodeNotReady", "Node is not ready")


def start(context: Context) -> NodeLifecycleController:
    return NodeLifecycleController(context)
