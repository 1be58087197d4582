"""Versions of built-in kinds that Kubernetes has retired: since when, until when, and what to use instead.

Facts of Kubernetes 1.35's API types and of its deprecation guide, in one table. A line reads: group/version,
deprecated in, removed in (`-` never), replacement (`-` none; `group/version#Kind` where the kind changes too), kinds.
A line that begins with `+` is in the guide alone: the types' own warnings, which lint repeats word for word, do not
know it. Where the types know the kind too, such a line adds the replacement they do not name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Retired", "deprecation", "minor_of", "retired", "rows"]

_MINOR = re.compile(r"v?1\.(\d+)")


@dataclass(frozen=True, slots=True)
class Retired:
    """One kind in one version. `deprecated` and `removed` are minors of Kubernetes 1; removed 0: not planned."""

    api_version: str
    kind: str
    deprecated: int
    removed: int
    instead: str
    """`group/version Kind`, a sentence's end, or "" where nothing takes its place."""


_TABLE = """
admissionregistration.k8s.io/v1alpha1 1.35 1.38 - MutatingAdmissionPolicy MutatingAdmissionPolicyBinding
admissionregistration.k8s.io/v1alpha1 1.35 1.38 - MutatingAdmissionPolicyBindingList MutatingAdmissionPolicyList
admissionregistration.k8s.io/v1alpha1 1.29 1.32 - ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding
admissionregistration.k8s.io/v1alpha1 1.29 1.32 - ValidatingAdmissionPolicyBindingList
admissionregistration.k8s.io/v1alpha1 1.29 1.32 - ValidatingAdmissionPolicyList
admissionregistration.k8s.io/v1beta1 1.37 1.40 - MutatingAdmissionPolicy MutatingAdmissionPolicyBinding
admissionregistration.k8s.io/v1beta1 1.37 1.40 - MutatingAdmissionPolicyBindingList MutatingAdmissionPolicyList
admissionregistration.k8s.io/v1beta1 1.16 1.22 admissionregistration.k8s.io/v1 MutatingWebhookConfiguration
admissionregistration.k8s.io/v1beta1 1.16 1.22 admissionregistration.k8s.io/v1 MutatingWebhookConfigurationList
admissionregistration.k8s.io/v1beta1 1.16 1.22 admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration
admissionregistration.k8s.io/v1beta1 1.16 1.22 admissionregistration.k8s.io/v1 ValidatingWebhookConfigurationList
admissionregistration.k8s.io/v1beta1 1.31 1.34 - ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding
admissionregistration.k8s.io/v1beta1 1.31 1.34 - ValidatingAdmissionPolicyBindingList
admissionregistration.k8s.io/v1beta1 1.31 1.34 - ValidatingAdmissionPolicyList
apidiscovery/v2beta1 1.32 1.35 - APIGroupDiscovery APIGroupDiscoveryList
apps/v1beta1 1.8 1.16 apps/v1 ControllerRevision ControllerRevisionList Deployment DeploymentList
apps/v1beta1 1.8 1.16 apps/v1 DeploymentRollback StatefulSet StatefulSetList
apps/v1beta1 1.8 1.16 autoscaling/v1 Scale
apps/v1beta2 1.9 1.16 apps/v1 ControllerRevision ControllerRevisionList DaemonSet DaemonSetList Deployment
apps/v1beta2 1.9 1.16 apps/v1 DeploymentList ReplicaSet ReplicaSetList StatefulSet StatefulSetList
apps/v1beta2 1.9 1.16 autoscaling/v1 Scale
authentication.k8s.io/v1alpha1 1.29 1.32 - SelfSubjectReview
authentication.k8s.io/v1beta1 1.30 1.33 - SelfSubjectReview
authentication.k8s.io/v1beta1 1.19 1.22 authentication.k8s.io/v1 TokenReview
authorization.k8s.io/v1beta1 1.19 1.22 authorization.k8s.io/v1 LocalSubjectAccessReview SelfSubjectAccessReview
authorization.k8s.io/v1beta1 1.19 1.22 authorization.k8s.io/v1 SelfSubjectRulesReview SubjectAccessReview
autoscaling/v2beta1 1.22 1.25 autoscaling/v2 HorizontalPodAutoscaler
autoscaling/v2beta1 1.22 1.25 autoscaling/v2beta2 HorizontalPodAutoscalerList
autoscaling/v2beta2 1.23 1.26 autoscaling/v2 HorizontalPodAutoscaler
autoscaling/v2beta2 1.22 1.25 - HorizontalPodAutoscalerList
batch/v1beta1 1.21 1.25 batch/v1 CronJob CronJobList
certificates.k8s.io/v1alpha1 1.34 1.37 - ClusterTrustBundle ClusterTrustBundleList
certificates.k8s.io/v1beta1 1.19 1.22 certificates.k8s.io/v1 CertificateSigningRequest
certificates.k8s.io/v1beta1 1.19 1.22 certificates.k8s.io/v1 CertificateSigningRequestList
certificates.k8s.io/v1beta1 1.36 1.39 - ClusterTrustBundle ClusterTrustBundleList
certificates.k8s.io/v1beta1 1.38 1.41 - PodCertificateRequest PodCertificateRequestList
coordination.k8s.io/v1alpha2 1.35 1.38 - LeaseCandidate LeaseCandidateList
coordination.k8s.io/v1beta1 1.19 1.22 coordination.k8s.io/v1 Lease LeaseList
coordination.k8s.io/v1beta1 1.36 1.39 - LeaseCandidate LeaseCandidateList
discovery.k8s.io/v1beta1 1.21 1.25 discovery.k8s.io/v1 EndpointSlice
discovery.k8s.io/v1beta1 1.21 1.25 discovery.k8s.io/v1#EndpointSlice EndpointSliceList
events.k8s.io/v1beta1 1.22 1.25 - Event EventList
extensions/v1beta1 1.8 1.16 apps/v1 DaemonSet DaemonSetList Deployment DeploymentList ReplicaSet ReplicaSetList
extensions/v1beta1 1.8 1.16 - DeploymentRollback
extensions/v1beta1 1.14 1.22 networking.k8s.io/v1 Ingress IngressList
extensions/v1beta1 1.9 1.16 networking.k8s.io/v1 NetworkPolicy NetworkPolicyList
extensions/v1beta1 1.2 1.16 - Scale
flowcontrol.apiserver.k8s.io/v1beta1 1.23 1.26 flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema FlowSchemaList
flowcontrol.apiserver.k8s.io/v1beta1 1.23 1.26 flowcontrol.apiserver.k8s.io/v1beta3 PriorityLevelConfiguration
flowcontrol.apiserver.k8s.io/v1beta1 1.23 1.26 flowcontrol.apiserver.k8s.io/v1beta3 PriorityLevelConfigurationList
flowcontrol.apiserver.k8s.io/v1beta2 1.26 1.29 flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema FlowSchemaList
flowcontrol.apiserver.k8s.io/v1beta2 1.26 1.29 flowcontrol.apiserver.k8s.io/v1beta3 PriorityLevelConfiguration
flowcontrol.apiserver.k8s.io/v1beta2 1.26 1.29 flowcontrol.apiserver.k8s.io/v1beta3 PriorityLevelConfigurationList
flowcontrol.apiserver.k8s.io/v1beta3 1.29 1.32 flowcontrol.apiserver.k8s.io/v1 FlowSchema FlowSchemaList
flowcontrol.apiserver.k8s.io/v1beta3 1.29 1.32 flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration
flowcontrol.apiserver.k8s.io/v1beta3 1.29 1.32 flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfigurationList
networking.k8s.io/v1beta1 1.34 1.37 - IPAddress IPAddressList ServiceCIDR ServiceCIDRList
networking.k8s.io/v1beta1 1.19 1.22 networking.k8s.io/v1 Ingress IngressClassList IngressList
networking.k8s.io/v1beta1 1.19 1.22 networking.k8s.io/v1#IngressClassList IngressClass
node.k8s.io/v1beta1 1.22 1.25 - RuntimeClass RuntimeClassList
policy/v1beta1 1.22 1.25 - Eviction
policy/v1beta1 1.21 1.25 policy/v1 PodDisruptionBudget PodDisruptionBudgetList
rbac.authorization.k8s.io/v1beta1 1.17 1.22 rbac.authorization.k8s.io/v1 ClusterRole ClusterRoleBinding
rbac.authorization.k8s.io/v1beta1 1.17 1.22 rbac.authorization.k8s.io/v1 ClusterRoleBindingList ClusterRoleList
rbac.authorization.k8s.io/v1beta1 1.17 1.22 rbac.authorization.k8s.io/v1 Role RoleBinding RoleBindingList
rbac.authorization.k8s.io/v1beta1 1.17 1.22 rbac.authorization.k8s.io/v1 RoleList
resource.k8s.io/v1alpha3 1.36 1.39 - DeviceTaintRule DeviceTaintRuleList
resource.k8s.io/v1beta1 1.35 1.38 - DeviceClass DeviceClassList ResourceClaim ResourceClaimList
resource.k8s.io/v1beta1 1.35 1.38 - ResourceClaimTemplate ResourceClaimTemplateList ResourceSlice
resource.k8s.io/v1beta1 1.35 1.38 - ResourceSliceList
resource.k8s.io/v1beta2 1.36 1.39 - DeviceClass DeviceClassList ResourceClaim ResourceClaimList
resource.k8s.io/v1beta2 1.36 1.39 - ResourceClaimTemplate ResourceClaimTemplateList ResourceSlice
resource.k8s.io/v1beta2 1.36 1.39 - ResourceSliceList
scheduling.k8s.io/v1beta1 1.14 1.22 scheduling.k8s.io/v1 PriorityClass PriorityClassList
storage.k8s.io/v1alpha1 1.21 1.24 storage.k8s.io/v1beta1 CSIStorageCapacity CSIStorageCapacityList
storage.k8s.io/v1alpha1 1.21 1.24 storage.k8s.io/v1 VolumeAttachment VolumeAttachmentList
storage.k8s.io/v1alpha1 1.32 1.35 storage.k8s.io/v1 VolumeAttributesClass VolumeAttributesClassList
storage.k8s.io/v1beta1 1.19 1.22 storage.k8s.io/v1 CSIDriver CSIDriverList StorageClass StorageClassList
storage.k8s.io/v1beta1 1.19 1.22 storage.k8s.io/v1 VolumeAttachment VolumeAttachmentList
storage.k8s.io/v1beta1 1.17 1.22 storage.k8s.io/v1 CSINode
storage.k8s.io/v1beta1 1.17 1.22 storage.k8s.io/v1#CSINode CSINodeList
storage.k8s.io/v1beta1 1.24 1.27 storage.k8s.io/v1 CSIStorageCapacity CSIStorageCapacityList
storage.k8s.io/v1beta1 1.34 1.37 storage.k8s.io/v1 VolumeAttributesClass VolumeAttributesClassList
storagemigration.k8s.io/v1beta1 1.38 1.41 - StorageVersionMigration StorageVersionMigrationList
+ admissionregistration.k8s.io/v1alpha1 1.29 1.32 admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy
+ admissionregistration.k8s.io/v1alpha1 1.29 1.32 admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding
+ admissionregistration.k8s.io/v1beta1 1.31 1.34 admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy
+ admissionregistration.k8s.io/v1beta1 1.31 1.34 admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding
+ apiextensions.k8s.io/v1beta1 1.16 1.22 apiextensions.k8s.io/v1 CustomResourceDefinition
+ apiregistration.k8s.io/v1beta1 1.19 1.22 apiregistration.k8s.io/v1 APIService
+ batch/v2alpha1 1.21 1.21 batch/v1 CronJob
+ events.k8s.io/v1beta1 1.22 1.25 events.k8s.io/v1 Event
+ extensions/v1beta1 1.10 1.16 Pod_Security_Admission PodSecurityPolicy
+ node.k8s.io/v1alpha1 1.22 1.24 node.k8s.io/v1 RuntimeClass
+ node.k8s.io/v1beta1 1.22 1.25 node.k8s.io/v1 RuntimeClass
+ policy/v1beta1 1.21 1.25 Pod_Security_Admission PodSecurityPolicy
+ rbac.authorization.k8s.io/v1alpha1 1.17 1.22 rbac.authorization.k8s.io/v1 ClusterRole ClusterRoleBinding
+ rbac.authorization.k8s.io/v1alpha1 1.17 1.22 rbac.authorization.k8s.io/v1 Role
+ rbac.authorization.k8s.io/v1alpha1 1.17 1.22 rbac.authorization.k8s.io/v1 RoleBinding
+ resource.k8s.io/v1alpha2 1.31 1.31 resource.k8s.io/v1 DeviceClass ResourceClaim ResourceClaimTemplate
+ resource.k8s.io/v1alpha2 1.31 1.31 resource.k8s.io/v1 ResourceSlice
+ resource.k8s.io/v1alpha2 1.31 1.31 resource.k8s.io/v1#DeviceClass ResourceClass
+ resource.k8s.io/v1alpha3 1.32 1.33 resource.k8s.io/v1 DeviceClass ResourceClaim ResourceClaimTemplate
+ resource.k8s.io/v1alpha3 1.32 1.33 resource.k8s.io/v1 ResourceSlice
+ resource.k8s.io/v1beta1 1.35 1.38 resource.k8s.io/v1 DeviceClass ResourceClaim ResourceClaimTemplate
+ resource.k8s.io/v1beta1 1.35 1.38 resource.k8s.io/v1 ResourceSlice
+ resource.k8s.io/v1beta2 1.36 1.39 resource.k8s.io/v1 DeviceClass ResourceClaim ResourceClaimTemplate
+ resource.k8s.io/v1beta2 1.36 1.39 resource.k8s.io/v1 ResourceSlice
+ scheduling.k8s.io/v1alpha1 1.17 1.22 scheduling.k8s.io/v1 PriorityClass
+ v1 1.19 - the_health_paths_/livez_and_/readyz ComponentStatus
+ v1 1.33 - discovery.k8s.io/v1#EndpointSlice Endpoints
"""


Fate = tuple[str, str, str]


@lru_cache(maxsize=1)
def _known() -> tuple[dict[tuple[str, str], Fate], dict[tuple[str, str], Fate]]:
    """What the types say, and what the guide adds: (apiVersion, kind) -> (since, until, instead)."""
    types: dict[tuple[str, str], Fate] = {}
    guide: dict[tuple[str, str], Fate] = {}
    for line in _TABLE.split("\n"):
        if line:
            version, since, until, instead, *kinds = line.removeprefix("+ ").split(" ")
            out = guide if line[0] == "+" else types
            out.update({(version, kind): (since, until, instead) for kind in kinds})
    return types, guide


def rows() -> list[Retired]:
    """The whole table."""
    types, guide = _known()
    return [_row(version, kind, _fate(version, kind)) for version, kind in {**types, **guide}]


def _fate(api_version: str, kind: str) -> Fate:
    """Raises KeyError for what is not retired."""
    types, guide = _known()
    key = (api_version, kind)
    if key not in types:
        return guide[key]
    since, until, instead = types[key]
    return since, until, guide[key][2] if instead == "-" and key in guide else instead


def _row(api_version: str, kind: str, fate: Fate) -> Retired:
    since, until, instead = fate
    words = "" if instead == "-" else instead.replace("_", " ")
    version, _, other = words.partition("#")
    if other or version.rpartition("/")[2].startswith("v"):
        words = f"{version} {other or kind}"
    return Retired(api_version, kind, minor_of(since), 0 if until == "-" else minor_of(until), words)


def minor_of(kube_version: str) -> int:
    """The minor of a version like v1.35.0. Raises ValueError."""
    found = _MINOR.match(kube_version)
    if not found:
        raise ValueError(f"{kube_version} is no version of Kubernetes 1")
    return int(found[1])


def retired(api_version: str, kind: str, kube_version: str) -> tuple[Retired, bool] | None:
    """What became of an API version by `kube_version`, and whether it is gone there; None while all is well."""
    minor = minor_of(kube_version)
    try:
        row = _row(api_version, kind, _fate(api_version, kind))
    except KeyError:
        return None
    if minor < row.deprecated:
        return None
    return row, bool(row.removed) and minor >= row.removed


def deprecation(api_version: str, kind: str, kubernetes: tuple[int, int]) -> str:
    """The server's warning for a deprecated kind at that version of Kubernetes, else ""."""
    found = _known()[0].get((api_version, kind))
    if found is None:
        return ""
    since, until, instead = found
    major, minor = since.split(".")
    if kubernetes < (int(major), int(minor)):
        return ""
    text = f"{api_version} {kind} is deprecated in v{since}+"
    if until != "-":
        text += f", unavailable in v{until}+"
    if instead != "-":
        version, _, other = instead.partition("#")
        text += f"; use {version} {other or kind}"
    return text
