"""Whether this node takes a pod that was bound to it: what the scheduler has seen to, seen to again, for pods that went
past it or were bound on an old picture. Pure.

Checked in the kubelet's order, of which the first fault is told: resources, node selector and affinity, host ports,
taints that evict. Preemption for critical pods is not done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cluster.machinery.fitting import suits, tolerates
from cluster.machinery.requests import Amounts, amounts, host_ports, pod_requests, ports_clash
from cluster.machinery.selecting import labels_of
from cluster.meta.types import Obj

_FIRST = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True, slots=True)
class Rejection:
    """As the event says it; the status says that the pod was rejected for it."""

    reason: str
    message: str

    @property
    def status(self) -> tuple[str, str]:
        return self.reason, f"Pod was rejected: {self.message}"


def reject(pod: Obj, others: Iterable[Obj], node: Obj) -> Rejection | None:
    """None when the pod may run; `others` are those that the node holds already."""
    held = [*others]
    return _resources(pod, held, node) or _place(pod, node) or _ports(pod, held) or _taints(pod, node)


def _resources(pod: Obj, held: list[Obj], node: Obj) -> Rejection | None:
    capacity = amounts((node.get("status") or {}).get("allocatable"))
    if "pods" in capacity and len(held) + 1 > capacity["pods"]:
        return _lacking("pods", 1, len(held), capacity["pods"])
    wanted = {name: value for name, value in pod_requests(pod).items() if value}
    if not wanted:
        return None
    used: Amounts = {}
    for other in held:
        for name, value in pod_requests(other).items():
            used[name] = used.get(name, 0) + value
    # What a node does not know of belongs to the cluster and is counted elsewhere.
    for name in (*_FIRST, *sorted(wanted.keys() - {*_FIRST})):
        if name in wanted and name in capacity and wanted[name] > capacity[name] - used.get(name, 0):
            return _lacking(name, wanted[name], used.get(name, 0), capacity[name])
    return None


def _lacking(name: str, wanted: int, used: int, capacity: int) -> Rejection:
    text = f"Node didn't have enough resource: {name}, requested: {wanted}, used: {used}, capacity: {capacity}"
    return Rejection(f"OutOf{name}", text)


def _failed(name: str, why: str) -> Rejection:
    return Rejection(name, f"Predicate {name} failed: {why}")


def _place(pod: Obj, node: Obj) -> Rejection | None:
    if suits(pod["spec"], node["metadata"]["name"], labels_of(node)):
        return None
    return _failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")


def _ports(pod: Obj, held: list[Obj]) -> Rejection | None:
    wanted = host_ports(pod)
    if not wanted or not ports_clash(wanted, [port for other in held for port in host_ports(other)]):
        return None
    return _failed("NodePorts", "node(s) didn't have free ports for the requested pod ports")


def _taints(pod: Obj, node: Obj) -> Rejection | None:
    tolerations = pod["spec"].get("tolerations") or ()
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint.get("effect") == "NoExecute" and not any(tolerates(t, taint) for t in tolerations):
            return _failed("TaintToleration", "node(s) had taints that the pod didn't tolerate")
    return None
