"""Nodes and the pods on them, as the scheduler sees them: watched pods and those it has just decided about.

`Cache` follows the informers and is told of assumed pods (decided, not yet shown by the informer), so that the next
decision counts them. It is read in one go by a scheduling cycle, which does not wait in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.machinery import pods as podlib
from cluster.machinery.requests import Amounts, amounts, host_ports, pod_requests
from cluster.machinery.selecting import Predicate, everything, label_selector, labels_of, nothing
from cluster.meta.types import Obj


class AffinityTerm:
    """One pod (anti-)affinity term, compiled; `weight` is 0 for required ones."""

    __slots__ = ("_namespace_selector", "_selector", "namespaces", "topology_key", "weight")

    def __init__(self, term: dict[str, Any], pod: Obj, weight: int = 0) -> None:
        self.weight = weight
        self.topology_key: str = term.get("topologyKey") or ""
        self._selector = label_selector(_with_label_keys(term, labels_of(pod)))
        self.namespaces = frozenset(term.get("namespaces") or ())
        selector = term.get("namespaceSelector")
        self._namespace_selector: Predicate = nothing if selector is None else label_selector(selector)
        if selector == {}:
            self._namespace_selector = everything
        if not self.namespaces and selector is None:
            self.namespaces = frozenset([pod["metadata"].get("namespace") or ""])

    def matches(self, pod: Obj, namespace_labels: dict[str, dict[str, str]]) -> bool:
        namespace = pod["metadata"].get("namespace") or ""
        if namespace not in self.namespaces and not self._namespace_selector(namespace_labels.get(namespace, {})):
            return False
        return self._selector(labels_of(pod))


def _with_label_keys(term: dict[str, Any], labels: dict[str, str]) -> dict[str, Any] | None:
    """matchLabelKeys and mismatchLabelKeys, where the server has not merged them into the selector already."""
    selector: dict[str, Any] | None = term.get("labelSelector")
    extra = [
        {"key": key, "operator": operator, "values": [labels[key]]}
        for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
        for key in term.get(field) or ()
        if key in labels
    ]
    if not extra or selector is None:
        return selector
    return {**selector, "matchExpressions": [*(selector.get("matchExpressions") or ()), *extra]}


def _terms(pod: Obj, field: str) -> tuple[list[AffinityTerm], list[AffinityTerm]]:
    """(required, preferred)."""
    affinity = ((pod["spec"].get("affinity") or {}).get(field)) or {}
    required = [AffinityTerm(t, pod) for t in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()]
    preferred = [
        AffinityTerm(t["podAffinityTerm"], pod, t["weight"])
        for t in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    ]
    return required, preferred


class PodInfo:
    """A pod with what is computed from it once."""

    __slots__ = (
        "affinity",
        "anti_affinity",
        "nonzero",
        "pod",
        "ports",
        "preferred_affinity",
        "preferred_anti_affinity",
        "priority",
        "requests",
        "uid",
    )

    def __init__(self, pod: Obj) -> None:
        self.pod = pod
        self.uid: str = pod["metadata"]["uid"]
        self.priority = podlib.priority(pod)
        self.requests = pod_requests(pod)
        nonzero = pod_requests(pod, defaults=True)
        self.nonzero = (nonzero.get("cpu", 0), nonzero.get("memory", 0))
        self.ports = host_ports(pod)
        self.affinity, self.preferred_affinity = _terms(pod, "podAffinity")
        self.anti_affinity, self.preferred_anti_affinity = _terms(pod, "podAntiAffinity")

    @property
    def labels(self) -> dict[str, str]:
        return labels_of(self.pod)


class NodeInfo:
    """A node and what its pods take of it."""

    __slots__ = ("allocatable", "labels", "name", "node", "nonzero", "pods", "ports", "requested", "taints")

    def __init__(self, name: str) -> None:
        self.name = name
        self.node: Obj | None = None
        self.labels: dict[str, str] = {}
        self.taints: list[dict[str, Any]] = []
        self.allocatable: Amounts = {}
        self.pods: dict[str, PodInfo] = {}
        self.requested: Amounts = {}
        self.nonzero = (0, 0)
        self.ports: list[tuple[str, str, int]] = []

    def set_node(self, node: Obj | None) -> None:
        self.node = node
        self.labels = labels_of(node) if node else {}
        self.taints = ((node or {}).get("spec") or {}).get("taints") or []
        self.allocatable = amounts(((node or {}).get("status") or {}).get("allocatable"))

    def add(self, info: PodInfo) -> None:
        self._count(info, 1)
        self.pods[info.uid] = info
        self.ports += info.ports

    def remove(self, uid: str) -> PodInfo | None:
        info = self.pods.pop(uid, None)
        if info is not None:
            self._count(info, -1)
            for port in info.ports:
                self.ports.remove(port)
        return info

    def _count(self, info: PodInfo, sign: int) -> None:
        for name, value in info.requests.items():
            self.requested[name] = self.requested.get(name, 0) + sign * value
        self.nonzero = (self.nonzero[0] + sign * info.nonzero[0], self.nonzero[1] + sign * info.nonzero[1])

    def copy(self) -> NodeInfo:
        """For trying things out."""
        other = NodeInfo(self.name)
        other.node, other.labels, other.taints, other.allocatable = (
            self.node,
            self.labels,
            self.taints,
            self.allocatable,
        )
        other.pods, other.requested, other.nonzero = dict(self.pods), dict(self.requested), self.nonzero
        other.ports = [*self.ports]
        return other


class Cache:
    """See the module."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._where: dict[str, str] = {}
        self._assumed: set[str] = set()
        self.namespace_labels: dict[str, dict[str, str]] = {}

    def nodes(self) -> list[NodeInfo]:
        """Nodes that exist, in the order they came."""
        return [info for info in self._nodes.values() if info.node is not None]

    def node(self, name: str) -> NodeInfo | None:
        info = self._nodes.get(name)
        return info if info is not None and info.node is not None else None

    def pods(self) -> Iterable[tuple[PodInfo, NodeInfo]]:
        for node in self.nodes():
            for info in node.pods.values():
                yield info, node

    def set_node(self, name: str, node: Obj | None) -> None:
        info = self._nodes.setdefault(name, NodeInfo(name))
        info.set_node(node)
        if node is None and not info.pods:
            del self._nodes[name]

    def set_pod(self, pod: Obj) -> None:
        """A pod with a node, as the informer shows it."""
        self._place(PodInfo(pod))
        self._assumed.discard(pod["metadata"]["uid"])

    def assume(self, info: PodInfo, node: str) -> PodInfo:
        """Count the pod on a node before the API says so."""
        placed = PodInfo({**info.pod, "spec": {**info.pod["spec"], "nodeName": node}})
        self._place(placed)
        self._assumed.add(placed.uid)
        return placed

    def assumed(self, uid: str) -> bool:
        return uid in self._assumed

    def forget(self, uid: str) -> None:
        """An assumed pod was not bound after all."""
        if uid in self._assumed:
            self.remove_pod(uid)

    def _place(self, info: PodInfo) -> None:
        self.remove_pod(info.uid)
        name = podlib.node_name(info.pod)
        self._nodes.setdefault(name, NodeInfo(name)).add(info)
        self._where[info.uid] = name

    def remove_pod(self, uid: str) -> None:
        self._assumed.discard(uid)
        name = self._where.pop(uid, None)
        if name is None:
            return
        node = self._nodes[name]
        node.remove(uid)
        if node.node is None and not node.pods:
            del self._nodes[name]
