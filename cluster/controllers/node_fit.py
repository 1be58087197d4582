"""Whether a daemon's pod belongs on a node: its node selector, affinity and tolerations. Pure.

Controllers and the scheduler are strangers, so the little that both need of nodes is said twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.machinery.selecting import labels_of
from cluster.meta.types import Obj

_ALWAYS = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


@dataclass(frozen=True, slots=True)
class Fit:
    """`runs`: a pod should be there. `stays`: one that is there may stay."""

    runs: bool
    stays: bool


def daemon_tolerations(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The pod's tolerations and those every daemon has."""
    keys = [*_ALWAYS, ("node.kubernetes.io/network-unavailable", "NoSchedule")] if spec.get("hostNetwork") else _ALWAYS
    extra = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in keys]
    given = list(spec.get("tolerations") or ())
    return given + [toleration for toleration in extra if toleration not in given]


def fit(template: Mapping[str, Any], node: Obj) -> Fit:
    if not _matches(template, node) or template.get("nodeName") not in {None, "", node["metadata"]["name"]}:
        return Fit(False, False)
    tolerations = daemon_tolerations(template)
    taints = (node.get("spec") or {}).get("taints") or ()
    refused = {t["effect"] for t in taints if not any(tolerates(x, t) for x in tolerations)}
    return Fit(not refused & {"NoSchedule", "NoExecute"}, "NoExecute" not in refused)


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if (toleration.get("operator") or "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def _matches(template: Mapping[str, Any], node: Obj) -> bool:
    labels = labels_of(node)
    if any(labels.get(k) != v for k, v in (template.get("nodeSelector") or {}).items()):
        return False
    affinity = (template.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or matches_node(required, node)


def matches_node(selector: Mapping[str, Any], node: Obj) -> bool:
    """A NodeSelector: any of its terms."""
    return any(_term(term, node) for term in selector.get("nodeSelectorTerms") or ())


def _term(term: Mapping[str, Any], node: Obj) -> bool:
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    named = {"metadata.name": node["metadata"]["name"]}
    return (
        bool(expressions or fields)
        and all(_one(e, labels_of(node)) for e in expressions)
        and all(_one(f, named) for f in fields)
    )


def _one(need: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found, operator = labels.get(need["key"]), str(need["operator"])
    values: Sequence[str] = need.get("values") or ()
    if operator == "In":
        return found in values
    if operator == "NotIn":
        return found not in values
    if operator in {"Exists", "DoesNotExist"}:
        return (found is not None) == (operator == "Exists")
    return _compare(operator, found, values)


def _compare(operator: str, found: str | None, values: Sequence[str]) -> bool:
    try:
        have, limit = int(found or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return have > limit if operator == "Gt" else have < limit
