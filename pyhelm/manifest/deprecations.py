"""API versions that Kubernetes has deprecated or removed, with what to use instead (the API deprecation guide)."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retired:
    """Minors of Kubernetes 1: deprecated from `deprecated` on, gone from `removed` on (0: not yet)."""

    api_version: str
    kinds: tuple[str, ...]
    deprecated: int
    removed: int
    instead: str


_WORKLOADS = ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")
_ROLES = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
_ADMISSION_POLICIES = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
_DRA = ("DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice")
_FLOW = ("FlowSchema", "PriorityLevelConfiguration")
_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")

RETIRED = (
    Retired("extensions/v1beta1", ("DaemonSet", "Deployment", "ReplicaSet"), 8, 16, "apps/v1"),
    Retired("extensions/v1beta1", ("NetworkPolicy",), 9, 16, "networking.k8s.io/v1"),
    Retired("extensions/v1beta1", ("PodSecurityPolicy",), 10, 16, "Pod Security Admission"),
    Retired("extensions/v1beta1", ("Ingress",), 14, 22, "networking.k8s.io/v1"),
    Retired("apps/v1beta1", ("Deployment", "StatefulSet", "ControllerRevision"), 9, 16, "apps/v1"),
    Retired("apps/v1beta2", (*_WORKLOADS, "ControllerRevision"), 9, 16, "apps/v1"),
    Retired("admissionregistration.k8s.io/v1beta1", _WEBHOOKS, 16, 22, "admissionregistration.k8s.io/v1"),
    Retired("admissionregistration.k8s.io/v1beta1", _ADMISSION_POLICIES, 31, 34, "admissionregistration.k8s.io/v1"),
    Retired("admissionregistration.k8s.io/v1alpha1", _ADMISSION_POLICIES, 28, 31, "admissionregistration.k8s.io/v1"),
    Retired("apiextensions.k8s.io/v1beta1", ("CustomResourceDefinition",), 16, 22, "apiextensions.k8s.io/v1"),
    Retired("apiregistration.k8s.io/v1beta1", ("APIService",), 19, 22, "apiregistration.k8s.io/v1"),
    Retired("authentication.k8s.io/v1beta1", ("TokenReview",), 19, 22, "authentication.k8s.io/v1"),
    Retired(
        "authorization.k8s.io/v1beta1",
        ("LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"),
        19,
        22,
        "authorization.k8s.io/v1",
    ),
    Retired("certificates.k8s.io/v1beta1", ("CertificateSigningRequest",), 19, 22, "certificates.k8s.io/v1"),
    Retired("coordination.k8s.io/v1beta1", ("Lease",), 19, 22, "coordination.k8s.io/v1"),
    Retired("networking.k8s.io/v1beta1", ("Ingress", "IngressClass"), 19, 22, "networking.k8s.io/v1"),
    Retired("rbac.authorization.k8s.io/v1alpha1", _ROLES, 17, 22, "rbac.authorization.k8s.io/v1"),
    Retired("rbac.authorization.k8s.io/v1beta1", _ROLES, 17, 22, "rbac.authorization.k8s.io/v1"),
    Retired("scheduling.k8s.io/v1alpha1", ("PriorityClass",), 17, 22, "scheduling.k8s.io/v1"),
    Retired("scheduling.k8s.io/v1beta1", ("PriorityClass",), 14, 22, "scheduling.k8s.io/v1"),
    Retired(
        "storage.k8s.io/v1beta1",
        ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"),
        19,
        22,
        "storage.k8s.io/v1",
    ),
    Retired("storage.k8s.io/v1beta1", ("CSIStorageCapacity",), 24, 27, "storage.k8s.io/v1"),
    Retired("storage.k8s.io/v1beta1", ("VolumeAttributesClass",), 34, 37, "storage.k8s.io/v1"),
    Retired("batch/v1beta1", ("CronJob",), 21, 25, "batch/v1"),
    Retired("batch/v2alpha1", ("CronJob",), 21, 21, "batch/v1"),
    Retired("discovery.k8s.io/v1beta1", ("EndpointSlice",), 21, 25, "discovery.k8s.io/v1"),
    Retired("events.k8s.io/v1beta1", ("Event",), 19, 25, "events.k8s.io/v1"),
    Retired("autoscaling/v2beta1", ("HorizontalPodAutoscaler",), 22, 25, "autoscaling/v2"),
    Retired("autoscaling/v2beta2", ("HorizontalPodAutoscaler",), 23, 26, "autoscaling/v2"),
    Retired("policy/v1beta1", ("PodDisruptionBudget",), 21, 25, "policy/v1"),
    Retired("policy/v1beta1", ("PodSecurityPolicy",), 21, 25, "Pod Security Admission"),
    Retired("node.k8s.io/v1beta1", ("RuntimeClass",), 22, 25, "node.k8s.io/v1"),
    Retired("node.k8s.io/v1alpha1", ("RuntimeClass",), 22, 24, "node.k8s.io/v1"),
    Retired("flowcontrol.apiserver.k8s.io/v1beta1", _FLOW, 23, 26, "flowcontrol.apiserver.k8s.io/v1"),
    Retired("flowcontrol.apiserver.k8s.io/v1beta2", _FLOW, 26, 29, "flowcontrol.apiserver.k8s.io/v1"),
    Retired("flowcontrol.apiserver.k8s.io/v1beta3", _FLOW, 29, 32, "flowcontrol.apiserver.k8s.io/v1"),
    Retired("resource.k8s.io/v1alpha2", (*_DRA, "ResourceClass"), 31, 31, "resource.k8s.io/v1"),
    Retired("resource.k8s.io/v1alpha3", _DRA, 32, 33, "resource.k8s.io/v1"),
    Retired("resource.k8s.io/v1beta1", _DRA, 33, 37, "resource.k8s.io/v1"),
    Retired("v1", ("ComponentStatus",), 19, 0, "the health paths /livez and /readyz"),
    Retired("v1", ("Endpoints",), 33, 0, "discovery.k8s.io/v1 EndpointSlice"),
)
_BY_NAME = {(entry.api_version, kind): entry for entry in RETIRED for kind in entry.kinds}
_MINOR = re.compile(r"v?1\.(\d+)")


def minor_of(kube_version: str) -> int:
    """The minor of a version like v1.35.0. Raises ValueError."""
    found = _MINOR.match(kube_version)
    if not found:
        raise ValueError(f"{kube_version} is no version of Kubernetes 1")
    return int(found[1])


def retired(api_version: str, kind: str, kube_version: str) -> tuple[Retired, bool] | None:
    """What became of an API version by `kube_version`, and whether it is gone there; None while all is well."""
    entry = _BY_NAME.get((api_version, kind))
    minor = minor_of(kube_version)
    if entry is None or minor < entry.deprecated:
        return None
    return entry, bool(entry.removed) and minor >= entry.removed
