"""Pod: its defaults, what may change once it exists, how it goes, and the table that sums it up."""

from __future__ import annotations

from typing import Any

from cluster.kinds.apps.templates import name_warning
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy, Subresource
from cluster.kinds.podspec.containers import padded_images
from cluster.kinds.podspec.defaults import default_pod
from cluster.kinds.podspec.disabled import drop_disabled
from cluster.kinds.podspec.profiles import adopt_apparmor, seccomp_agrees
from cluster.kinds.podspec.qos import qos_class
from cluster.kinds.podspec.spec import pod_annotations, pod_spec
from cluster.kinds.podspec.status import default_ips, pod_status
from cluster.kinds.podspec.updates import ephemeral_update, resize_update, spec_update
from cluster.kinds.podspec.warnings import pod_warnings
from cluster.kinds.printers.pods import pod as cells
from cluster.kinds.strategy import STATUS_VERBS, carry, carry_meta, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden
from cluster.meta.types import GroupVersionKind, Obj

DEFINITION = "io.k8s.api.core.v1.Pod"
SPEC = Path("spec")
GATED = {
    "type": "PodScheduled",
    "status": "False",
    "lastProbeTime": None,
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


def _prepare_create(pod: Obj) -> list[str]:
    drop_disabled(spec(pod))
    given = (pod.get("status") or {}).get("qosClass")
    held: dict[str, Any] = {"phase": "Pending", "qosClass": given or qos_class(spec(pod))}
    if spec(pod).get("schedulingGates"):
        created = (pod.get("metadata") or {}).get("creationTimestamp")
        held["conditions"] = [{**GATED, "lastTransitionTime": created}]
    pod["status"] = held
    if (spec(pod).get("terminationGracePeriodSeconds") or 0) < 0:
        pod["spec"]["terminationGracePeriodSeconds"] = 1
    _spread_by_keys(spec(pod), (pod.get("metadata") or {}).get("labels") or {})
    return adopt_apparmor(pod)


def _spread_by_keys(held: dict[str, Any], labels: dict[str, str]) -> None:
    """matchLabelKeys become requirements of the selectors they stand beside."""
    for term in _affinity_terms(held.get("affinity") or {}):
        for keys, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")):
            _merge_keys(term, term.get(keys) or (), operator, labels)
    for constraint in held.get("topologySpreadConstraints") or ():
        _merge_keys(constraint, constraint.get("matchLabelKeys") or (), "In", labels)


def _affinity_terms(affinity: dict[str, Any]) -> list[dict[str, Any]]:
    terms: list[dict[str, Any]] = []
    for name in ("podAffinity", "podAntiAffinity"):
        held = affinity.get(name) or {}
        terms += held.get("requiredDuringSchedulingIgnoredDuringExecution") or []
        for weighted in held.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            terms.append(weighted.get("podAffinityTerm") or {})
    return terms


def _merge_keys(holder: dict[str, Any], keys: Any, operator: str, labels: dict[str, str]) -> None:
    selector = holder.get("labelSelector")
    if selector is None:
        return
    for key in keys:
        if key in labels:
            added = {"key": key, "operator": operator, "values": [labels[key]]}
            selector.setdefault("matchExpressions", []).append(added)


def _validate_common(pod: Obj) -> Faults:
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    faults = pod_annotations(Path("metadata") / "annotations", annotations, spec(pod))
    faults += pod_spec(SPEC, spec(pod), pod.get("metadata") or {})
    faults += seccomp_agrees(SPEC, annotations, spec(pod))
    return faults + padded_images(SPEC, spec(pod))


def validate(pod: Obj) -> Faults:
    faults = _validate_common(pod)
    if spec(pod).get("ephemeralContainers"):
        faults.append(forbidden(SPEC / "ephemeralContainers", "cannot be set on create"))
    if spec(pod).get("nodeName") and spec(pod).get("schedulingGates"):
        why = "cannot be set until all schedulingGates have been cleared"
        faults.append(forbidden(SPEC / "nodeName", why))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    return _validate_common(new) + spec_update(spec(new), spec(old))


def _grace(pod: Obj, asked: int | None) -> int | None:
    """What deletion waits for: the asked time, else the pod's own; nothing for a pod that never ran or has ended."""
    held = spec(pod)
    period = asked if asked is not None else held.get("terminationGracePeriodSeconds", 30)
    if period < 0:
        period = 1
    ended = (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded")
    return 0 if not held.get("nodeName") or ended else period


def _selectable(pod: Obj) -> dict[str, str]:
    held, status_ = spec(pod), pod.get("status") or {}
    ips = status_.get("podIPs") or ()
    return {
        "spec.nodeName": held.get("nodeName") or "",
        "spec.restartPolicy": held.get("restartPolicy") or "",
        "spec.schedulerName": held.get("schedulerName") or "",
        "spec.serviceAccountName": held.get("serviceAccountName") or "",
        "spec.hostNetwork": "true" if held.get("hostNetwork") else "false",
        "status.phase": status_.get("phase") or "",
        # What clients older than nodeName ask by.
        "spec.host": held.get("nodeName") or "",
        "status.podIPs": "",
        "status.podIP": (ips[0].get("ip") if ips else status_.get("podIP")) or "",
        "status.nominatedNodeName": status_.get("nominatedNodeName") or "",
    }


def _warnings(new: Obj, old: Obj | None) -> list[str]:
    """Updates are not looked at: people seldom make them."""
    if old is not None:
        return []
    return name_warning(new, "this is used in the Pod's hostname") + pod_warnings(new.get("metadata") or {}, spec(new))


def _prepare_update(new: Obj, old: Obj) -> None:
    keep_status(new, old)
    drop_disabled(spec(new), spec(old))


def _keep_qos(new: Obj, old: Obj) -> None:
    """The class of a pod is set once."""
    before = (old.get("status") or {}).get("qosClass")
    if before and not (new.get("status") or {}).get("qosClass"):
        new.setdefault("status", {})["qosClass"] = before


def _only_ephemeral(new: Obj, old: Obj) -> None:
    """Through `ephemeralcontainers` only those change."""
    added = spec(new).get("ephemeralContainers")
    new["spec"] = dict(spec(old))
    if added:
        new["spec"]["ephemeralContainers"] = added
    else:
        new["spec"].pop("ephemeralContainers", None)
    carry(new, old, "status")


def _validate_ephemeral(new: Obj, old: Obj) -> Faults:
    return _validate_common(new) + ephemeral_update(spec(new), spec(old))


def _only_resources(new: Obj, old: Obj) -> None:
    """Through `resize` the resources of the same containers change and nothing else of the specification."""
    keep_status(new, old)
    wanted, held = spec(new), dict(spec(old))
    for part in ("initContainers", "containers"):
        was = {container.get("name"): container for container in held.get(part) or ()}
        if part in wanted:
            held[part] = [_resized(was[c["name"]], c) if c.get("name") in was else c for c in wanted[part] or ()]
    if "resources" in wanted:
        held["resources"] = wanted["resources"]
    new["spec"] = held


def _resized(container: Obj, wanted: Obj) -> Obj:
    parts: Obj = {name: wanted[name] for name in ("resources", "resizePolicy") if name in wanted}
    return {**container, **parts}


def _validate_resize(new: Obj, old: Obj) -> Faults:
    return _validate_common(new) + resize_update(spec(new), spec(old))


DEFAULT = defaulting(DEFINITION, default_pod, default_ips)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=validate,
    validate_update=validate_update,
    warnings=_warnings,
    generation=True,
    grace_period=_grace,
)
_EPHEMERAL = Strategy(default=DEFAULT, prepare_update=_only_ephemeral, validate_update=_validate_ephemeral)
_RESIZE = Strategy(default=DEFAULT, prepare_update=_only_resources, validate_update=_validate_resize)


KIND = Kind(
    group="",
    version="v1",
    kind="Pod",
    plural="pods",
    singular="pod",
    namespaced=True,
    short_names=("po",),
    categories=("all",),
    definition="io.k8s.api.core.v1.Pod",
    subresources=(
        Subresource(name="attach", verbs=("create", "get"), kind=GroupVersionKind("", "v1", "PodAttachOptions")),
        Subresource(name="binding", verbs=("create",), kind=GroupVersionKind("", "v1", "Binding")),
        Subresource(name="ephemeralcontainers", verbs=STATUS_VERBS, strategy=_EPHEMERAL),
        Subresource(name="eviction", verbs=("create",), kind=GroupVersionKind("policy", "v1", "Eviction")),
        Subresource(name="exec", verbs=("create", "get"), kind=GroupVersionKind("", "v1", "PodExecOptions")),
        Subresource(name="log", verbs=("get",)),
        Subresource(
            name="portforward",
            verbs=("create", "get"),
            kind=GroupVersionKind("", "v1", "PodPortForwardOptions"),
        ),
        Subresource(
            name="proxy",
            verbs=("create", "delete", "get", "patch", "update"),
            kind=GroupVersionKind("", "v1", "PodProxyOptions"),
        ),
        Subresource(name="resize", verbs=STATUS_VERBS, strategy=_RESIZE),
        status(DEFAULT, carry_meta("ownerReferences"), _keep_qos, validate_update=pod_status),
    ),
    table=table("", "pods", cells),
    strategy=_WRITES,
    selectable=_selectable,
)
