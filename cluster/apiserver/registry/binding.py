"""Assigning a pod to a node: what POST pods/NAME/binding does to the pod."""

from __future__ import annotations

from cluster.apiserver.registry.registry import Registry
from cluster.kinds.kind import Strategy, Subresource
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.times import seconds
from cluster.meta.types import GroupResource, Obj

_PODS = GroupResource("", "pods/binding")

SUBRESOURCE = Subresource(name="binding", verbs=("create",), strategy=Strategy())


def check(given: Obj, name: str) -> None:
    """Raises 400, 500."""
    own = (given.get("metadata") or {}).get("name") or ""
    if name and own != name:
        raise errors.bad_request("name in URL does not match name in Binding object")
    target = given.get("target") or {}
    faults = []
    if target.get("kind") not in (None, "", "Node"):
        text = f'Unsupported value: "{target["kind"]}": supported values: "Node", "<empty>"'
        faults.append(f"target.kind: {text}")
    if not target.get("name"):
        faults.append("target.name: Required value")
    if faults:
        # Kubernetes answers a plain error here, which becomes a 500 without a reason.
        raise StatusError(500, "", faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")


def assign(registry: Registry, pod: Obj, given: Obj) -> Obj:
    """The pod on its node. Raises 409."""
    meta, spec = pod["metadata"], pod.setdefault("spec", {})
    wanted = given.get("metadata") or {}
    name = meta["name"]
    if wanted.get("uid") and wanted["uid"] != meta["uid"]:
        raise registry.uid_mismatch(meta.get("namespace", ""), name, wanted["uid"], meta["uid"])
    if meta.get("deletionTimestamp"):
        raise _refused(name, f"pod {name} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        raise _refused(name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise _refused(name, f"pod {name} has non-empty .spec.schedulingGates")
    spec["nodeName"] = given["target"]["name"]
    if wanted.get("annotations"):
        meta["annotations"] = {**(meta.get("annotations") or {}), **wanted["annotations"]}
    if wanted.get("labels"):
        meta["labels"] = {**(meta.get("labels") or {}), **wanted["labels"]}
    _copy_topology(registry, pod)
    _scheduled(pod, registry.services.clock.now())
    return pod


TOPOLOGY = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")


def _copy_topology(registry: Registry, pod: Obj) -> None:
    """A pod carries the zone and region of its node."""
    node = registry.services.feed.get(GroupResource("", "nodes"), "", pod["spec"]["nodeName"])
    labels = (node or {}).get("metadata", {}).get("labels") or {}
    found = {name: labels[name] for name in TOPOLOGY if name in labels}
    if found:
        pod["metadata"]["labels"] = {**(pod["metadata"].get("labels") or {}), **found}


def _refused(name: str, why: str) -> StatusError:
    return errors.conflict(_PODS, name, why)


def _scheduled(pod: Obj, now: float) -> None:
    status = pod.setdefault("status", {})
    status.pop("nominatedNodeName", None)
    conditions = [c for c in status.get("conditions") or [] if c.get("type") != "PodScheduled"]
    conditions.append(
        {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": seconds(now)}
    )
    status["conditions"] = conditions
