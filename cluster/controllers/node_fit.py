"""Whether a daemon's pod belongs on a node: its node selector, affinity and tolerations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.machinery.fitting import suits, tolerates
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
    name = node["metadata"]["name"]
    if not suits(template, name, labels_of(node)) or template.get("nodeName") not in {None, "", name}:
        return Fit(False, False)
    tolerations = daemon_tolerations(template)
    taints = (node.get("spec") or {}).get("taints") or ()
    refused = {t["effect"] for t in taints if not any(tolerates(x, t) for x in tolerations)}
    return Fit(not refused & {"NoSchedule", "NoExecute"}, "NoExecute" not in refused)
