"""Validation of a whole pod specification, and of the templates that hold one."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.kinds.podspec import containers, dns, resources, scheduling, security, volumes, windows
from cluster.meta.decimals import is_digits, whole
from cluster.meta.field import Path, duplicate, forbidden, invalid, not_found, required, too_long
from cluster.meta.labels import annotation_faults

Spec = dict[str, Any]

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
MIRROR = "kubernetes.io/config.mirror"


def pod_spec(path: Path, spec: Spec, meta: dict[str, Any] | None = None) -> Faults:
    """Faults of a PodSpec, topics in the order of the API. `meta` is the metadata of a pod; a template has none."""
    grace = spec.get("terminationGracePeriodSeconds")
    faults = volumes.volumes(path / "volumes", spec.get("volumes") or [], meta)
    faults += _claims(path / "resourceClaims", spec.get("resourceClaims") or [])
    whole, spec = spec, {**spec, "volumes": volumes.sound(spec.get("volumes") or [], meta)}
    faults += containers.containers(path / "containers", spec, grace)
    faults += containers.init_containers(path / "initContainers", spec, grace)
    faults += containers.ephemeral_containers(path / "ephemeralContainers", spec)
    spec = whole
    faults += resources.pod_level(path / "resources", spec)
    faults += security.host_ports(path, spec, template=meta is None)
    policy = spec.get("restartPolicy") or ""
    faults += (
        checks.one_of(path / "restartPolicy", policy, RESTART_POLICIES)
        if policy
        else [required(path / "restartPolicy")]
    )
    faults += dns.policy(path / "dnsPolicy", spec.get("dnsPolicy") or "")
    faults += checks.labels(path / "nodeSelector", spec.get("nodeSelector"))
    faults += security.pod(path / "securityContext", spec)
    faults += scheduling.affinity(path / "affinity", spec.get("affinity"))
    faults += dns.config(path / "dnsConfig", spec.get("dnsConfig"), spec.get("dnsPolicy") or "")
    faults += scheduling.readiness_gates(path / "readinessGates", spec.get("readinessGates") or [])
    faults += scheduling.gates(path / "schedulingGates", spec.get("schedulingGates") or [])
    faults += scheduling.spread(path / "topologySpreadConstraints", spec.get("topologySpreadConstraints") or [])
    faults += windows.host_process(path, spec)
    faults += security.host_users(path, spec)
    faults += _hostname_override(path / "hostnameOverride", spec)
    faults += _names(path, spec)
    faults += scheduling.tolerations(path / "tolerations", spec.get("tolerations") or [])
    faults += dns.host_aliases(path / "hostAliases", spec.get("hostAliases") or [])
    faults += _classes(path, spec)
    faults += windows.system(path, spec)
    return faults + _files_of_variables(path, spec)


_LONGEST_HOSTNAME = 64


def _hostname_override(path: Path, spec: Spec) -> Faults:
    name = spec.get("hostnameOverride")
    if name is None:
        return []
    faults: Faults = []
    if spec.get("setHostnameAsFQDN"):
        faults.append(forbidden(path, "may not be specified when setHostnameAsFQDN is true"))
    if spec.get("hostNetwork"):
        faults.append(forbidden(path, "may not be specified when hostNetwork is true"))
    if len(name) > _LONGEST_HOSTNAME:
        faults.append(too_long(path, _LONGEST_HOSTNAME))
    return faults + checks.subdomain(path, name)


def _files_of_variables(path: Path, spec: Spec) -> Faults:
    """A variable read from a file names an emptyDir of the pod."""
    known = {volume.get("name") or "": volume for volume in spec.get("volumes") or ()}
    faults: Faults = []
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for at, container in enumerate(spec.get(part) or ()):
            for index, variable in enumerate(container.get("env") or ()):
                ref = (variable.get("valueFrom") or {}).get("fileKeyRef")
                if ref is None:
                    continue
                here = ((path / part)[at] / "env")[index] / "valueFrom" / "fileKeyRef" / "volumeName"
                name = ref.get("volumeName") or ""
                if name not in known:
                    faults.append(not_found(here, name))
                elif known[name].get("emptyDir") is None:
                    faults.append(invalid(here, name, "referenced volume must be of type emptyDir"))
    return faults


def _names(path: Path, spec: Spec) -> Faults:
    """Names a pod refers to or goes by, and its deadline."""
    faults: Faults = []
    if spec.get("serviceAccountName"):
        faults += checks.subdomain(path / "serviceAccountName", spec["serviceAccountName"])
    if spec.get("nodeName"):
        faults += checks.subdomain(path / "nodeName", spec["nodeName"])
    if (deadline := spec.get("activeDeadlineSeconds")) is not None:
        faults += checks.between(path / "activeDeadlineSeconds", deadline, 1, checks.MAX_INT32)
    for name in ("hostname", "subdomain"):
        if spec.get(name):
            faults += checks.label(path / name, spec[name])
    return faults


def _classes(path: Path, spec: Spec) -> Faults:
    faults: Faults = []
    for name in ("priorityClassName", "runtimeClassName"):
        if spec.get(name) or (name == "runtimeClassName" and spec.get(name) is not None):
            faults += checks.subdomain(path / name, spec[name])
    if (policy := spec.get("preemptionPolicy")) is not None:
        here = path / "preemptionPolicy"
        faults += checks.one_of(here, policy, ("PreemptLowerPriority", "Never")) if policy else [required(here)]
    if spec.get("overhead"):
        faults += resources.requirements(path / "overhead", {"limits": spec["overhead"]})
    return faults


_CLAIM = "io.k8s.api.core.v1.PodResourceClaim"


def _claims(path: Path, claims: list[dict[str, Any]]) -> Faults:
    """resourceClaims: named, each by exactly one of a claim and a template."""
    faults: Faults = []
    seen: set[str] = set()
    for at, claim in enumerate(claims):
        here, name = path[at], claim.get("name") or ""
        if not name:
            faults.append(required(here / "name"))
        elif name in seen:
            faults.append(duplicate(here / "name", name))
        else:
            faults += checks.label(here / "name", name)
            seen.add(name)
        given = [field for field in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(field) is not None]
        if len(given) > 1:
            faults.append(
                invalid(
                    here,
                    dump(claim, _CLAIM),
                    "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
                )
            )
        if not given:
            why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            faults.append(invalid(here, dump(claim, _CLAIM), why))
        for field in given:
            faults += checks.subdomain(here / field, claim[field])
    return faults


def pod_annotations(path: Path, annotations: dict[str, str], spec: Spec) -> Faults:
    """Annotations that mean something to pods."""
    faults: Faults = []
    if MIRROR in annotations and not spec.get("nodeName"):
        faults.append(
            invalid(path[MIRROR], annotations[MIRROR], "must set spec.nodeName if mirror pod annotation is set")
        )
    cost = annotations.get(DELETION_COST)
    if cost is not None and not _int32(cost):
        faults.append(invalid(path[DELETION_COST], cost, "must be a 32bit integer"))
    return faults


def _int32(text: str) -> bool:
    digits = text.removeprefix("-")
    if not is_digits(digits) or (len(digits) > 1 and digits[0] == "0"):
        return False
    return -(2**31) <= whole(text) < 2**31


def template(path: Path, value: dict[str, Any]) -> Faults:
    """A PodTemplateSpec. Faults of its labels stand at `labels`, without `metadata`, as the API has it."""
    spec = value.get("spec") or {}
    faults = template_metadata(path, value)
    faults += pod_spec(path / "spec", spec)
    if spec.get("ephemeralContainers"):
        faults.append(
            forbidden(path / "spec" / "ephemeralContainers", "ephemeral containers not allowed in pod template")
        )
    return faults


def template_metadata(path: Path, value: dict[str, Any]) -> Faults:
    """The labels and annotations of a template."""
    meta = value.get("metadata") or {}
    faults = checks.labels(path / "labels", meta.get("labels"))
    faults += annotation_faults(meta.get("annotations"), path / "annotations")
    return faults + pod_annotations(path / "annotations", meta.get("annotations") or {}, value.get("spec") or {})
