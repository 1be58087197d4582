"""The flow schemas and priority levels of every cluster: whose requests wait for whom when the server is busy.

Facts of Kubernetes' suggested configuration, a line each; the objects are made from the two tables.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from cluster.meta.types import GroupVersionResource, Obj

GROUP = "flowcontrol.apiserver.k8s.io"
PRODUCER = "api-priority-and-fairness-config-producer-v1"
CONSUMER = "api-priority-and-fairness-config-consumer-v1"
LEVELS = GroupVersionResource(GROUP, "v1", "prioritylevelconfigurations")
SCHEMAS = GroupVersionResource(GROUP, "v1", "flowschemas")
AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"
_QUEUED = (
    # name, shares, percent it may lend, queues, queues a flow is dealt, requests a queue holds
    ("global-default", 20, 50, 128, 6, 50),
    ("leader-election", 10, 0, 16, 4, 50),
    ("node-high", 40, 25, 64, 6, 50),
    ("system", 30, 33, 64, 6, 50),
    ("workload-high", 40, 50, 128, 6, 50),
    ("workload-low", 100, 90, 128, 6, 50),
)
_EVERYTHING: dict[str, list[dict[str, Any]]] = {
    "resourceRules": [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    ],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}
_HEALTH: dict[str, list[dict[str, Any]]] = {
    "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]
}
_LEASE_ONLY: dict[str, Any] = {
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "namespaces": ["*"],
}
_ELECTION = {"resourceRules": [{"verbs": ["get", "create", "update"], **_LEASE_ONLY}]}
_NODE_HIGH = {
    "resourceRules": [
        {"verbs": ["*"], "apiGroups": [""], "resources": ["nodes", "nodes/status"], "clusterScope": True},
        {"verbs": ["*"], **_LEASE_ONLY},
    ]
}
_ANYBODY = ("group system:unauthenticated", "group system:authenticated")
_MANAGER, _SCHEDULER = "user system:kube-controller-manager", "user system:kube-scheduler"
_SCHEMAS: tuple[tuple[str, str, int, str, tuple[str, ...], dict[str, Any]], ...] = (
    # name, level, precedence, what tells flows apart, who, what
    ("exempt", "exempt", 1, "", ("group system:masters",), _EVERYTHING),
    ("probes", "exempt", 2, "", _ANYBODY, _HEALTH),
    (
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        (_MANAGER, _SCHEDULER, "account kube-system/*"),
        _ELECTION,
    ),
    ("system-node-high", "node-high", 400, "ByUser", ("group system:nodes",), _NODE_HIGH),
    ("system-nodes", "system", 500, "ByUser", ("group system:nodes",), _EVERYTHING),
    ("kube-controller-manager", "workload-high", 800, "ByNamespace", (_MANAGER,), _EVERYTHING),
    ("kube-scheduler", "workload-high", 800, "ByNamespace", (_SCHEDULER,), _EVERYTHING),
    ("kube-system-service-accounts", "workload-high", 900, "ByNamespace", ("account kube-system/*",), _EVERYTHING),
    ("service-accounts", "workload-low", 9000, "ByUser", ("group system:serviceaccounts",), _EVERYTHING),
    ("global-default", "global-default", 9900, "ByUser", _ANYBODY, _EVERYTHING),
    ("catch-all", "catch-all", 10000, "ByUser", _ANYBODY, _EVERYTHING),
)


def objects() -> Iterator[tuple[GroupVersionResource, Obj]]:
    """Levels before the schemas that name them; a schema's status says so."""
    yield LEVELS, _level("exempt", {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}})
    rejecting = {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}, "lendablePercent": 0}
    yield LEVELS, _level("catch-all", {"type": "Limited", "limited": rejecting})
    for name, shares, lendable, queues, hand, length in _QUEUED:
        queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": length}
        limited = {
            "nominalConcurrencyShares": shares,
            "limitResponse": {"type": "Queue", "queuing": queuing},
            "lendablePercent": lendable,
        }
        yield LEVELS, _level(name, {"type": "Limited", "limited": limited})
    for name, level, precedence, flows, who, what in _SCHEMAS:
        yield SCHEMAS, _schema(name, level, precedence, flows, [_subject(text) for text in who], what)


def _named(kind: str, name: str) -> Obj:
    metadata = {"name": name, "annotations": {AUTO_UPDATE: "true"}}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata}


def _level(name: str, spec: Obj) -> Obj:
    return _named("PriorityLevelConfiguration", name) | {"spec": spec}


def _schema(name: str, level: str, precedence: int, flows: str, subjects: list[Obj], what: dict[str, Any]) -> Obj:
    spec: Obj = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence}
    if flows:
        spec["distinguisherMethod"] = {"type": flows}
    spec["rules"] = [{"subjects": subjects, **what}]
    return _named("FlowSchema", name) | {"spec": spec}


def _subject(text: str) -> Obj:
    kind, name = text.split()
    if kind == "account":
        namespace, _, account = name.partition("/")
        return {"kind": "ServiceAccount", "serviceAccount": {"namespace": namespace, "name": account}}
    return {"kind": kind.capitalize(), kind: {"name": name}}


def condition(level: str, levels: Container[str]) -> Obj:
    """Of a schema, without the time: whether the level it names is there."""
    names = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    if level in levels:
        return {"type": "Dangling", "status": "False", "reason": "Found", "message": f"{names} and it exists"}
    text = f"{names} but there is no such object"
    return {"type": "Dangling", "status": "True", "reason": "NotFound", "message": text}


def _mandatory(gvr: GroupVersionResource) -> tuple[Obj, ...]:
    return tuple(obj for kind, obj in objects() if kind == gvr and obj["metadata"]["name"] in MANDATORY)


MANDATORY = frozenset(("exempt", "catch-all"))
"""Names of levels and schemas that are put back as they were whenever they change."""
MANDATORY_LEVELS, MANDATORY_SCHEMAS = _mandatory(LEVELS), _mandatory(SCHEMAS)
