"""Validation of a whole pod specification, and of the templates that hold one."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec import containers, dns, resources, scheduling, security, volumes
from cluster.meta.field import Path, duplicate, forbidden, invalid, required
from cluster.meta.labels import annotation_faults

Spec = dict[str, Any]

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
MIRROR = "kubernetes.io/config.mirror"


def pod_spec(path: Path, spec: Spec) -> Faults:
    """Faults of a PodSpec, topics in the order of the API."""
    grace = spec.get("terminationGracePeriodSeconds")
    faults = volumes.volumes(path / "volumes", spec.get("volumes") or [])
    whole, spec = spec, {**spec, "volumes": volumes.sound(spec.get("volumes") or [])}
    faults += containers.containers(path / "containers", spec, grace)
    faults += containers.init_containers(path / "initContainers", spec, grace)
    faults += containers.ephemeral_containers(path / "ephemeralContainers", spec)
    spec = whole
    policy = spec.get("restartPolicy") or ""
    faults += (
        checks.one_of(path / "restartPolicy", policy, RESTART_POLICIES)
        if policy
        else [required(path / "restartPolicy")]
    )
    faults += dns.policy(path / "dnsPolicy", spec.get("dnsPolicy") or "")
    faults += checks.labels(path / "nodeSelector", spec.get("nodeSelector"))
    faults += security.pod(path / "securityContext", spec, path)
    faults += scheduling.affinity(path / "affinity", spec.get("affinity"))
    faults += dns.config(path / "dnsConfig", spec.get("dnsConfig"), spec.get("dnsPolicy") or "")
    faults += scheduling.readiness_gates(path / "readinessGates", spec.get("readinessGates") or [])
    faults += scheduling.gates(path / "schedulingGates", spec.get("schedulingGates") or [])
    faults += scheduling.spread(path / "topologySpreadConstraints", spec.get("topologySpreadConstraints") or [])
    faults += _names(path, spec)
    faults += scheduling.tolerations(path / "tolerations", spec.get("tolerations") or [])
    faults += dns.host_aliases(path / "hostAliases", spec.get("hostAliases") or [])
    faults += _classes(path, spec)
    faults += _claims(path / "resourceClaims", spec.get("resourceClaims") or [])
    return faults + _system(path, spec)


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
        if spec.get(name):
            faults += checks.subdomain(path / name, spec[name])
    if (policy := spec.get("preemptionPolicy")) is not None:
        faults += checks.one_of(path / "preemptionPolicy", policy, ("Never", "PreemptLowerPriority"))
    if spec.get("overhead"):
        faults += resources.requirements(path / "overhead", {"limits": spec["overhead"]})
    return faults


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
                    claim,
                    "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
                )
            )
        if not given:
            faults.append(invalid(here, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"))
        for field in given:
            faults += checks.subdomain(here / field, claim[field])
    return faults


def _system(path: Path, spec: Spec) -> Faults:
    """The operating system, and what it rules out."""
    system = spec.get("os")
    if system is None:
        return []
    name = system.get("name") or ""
    if not name:
        return [required(path / "os" / "name", "cannot be empty")]
    if name == "windows":
        return security.windows_pod(path, spec)
    return checks.one_of(path / "os" / "name", name, ("linux", "windows"))


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
    if not digits.isdigit() or (len(digits) > 1 and digits[0] == "0"):
        return False
    return -(2**31) <= int(text) < 2**31


def template(path: Path, value: dict[str, Any]) -> Faults:
    """A PodTemplateSpec. Faults of its labels stand at `labels`, without `metadata`, as the API has it."""
    meta, spec = value.get("metadata") or {}, value.get("spec") or {}
    faults = checks.labels(path / "labels", meta.get("labels"))
    faults += annotation_faults(meta.get("annotations"), path / "annotations")
    faults += pod_annotations(path / "annotations", meta.get("annotations") or {}, spec)
    faults += pod_spec(path / "spec", spec)
    if spec.get("ephemeralContainers"):
        faults.append(
            forbidden(path / "spec" / "ephemeralContainers", "ephemeral containers not allowed in pod template")
        )
    return faults


_GONE = {
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
}


def spec_warnings(path: str, spec: Spec) -> list[str]:
    """What the API lets pass with a word of warning."""
    out = []
    for at, volume in enumerate(spec.get("volumes") or ()):
        out += [f"{path}.volumes[{at}].{name}: {why}" for name, why in _GONE.items() if volume.get(name)]
    out += [
        f'{path}.imagePullSecrets[{at}].name: invalid empty name ""'
        for at, secret in enumerate(spec.get("imagePullSecrets") or ())
        if not secret.get("name")
    ]
    return out
