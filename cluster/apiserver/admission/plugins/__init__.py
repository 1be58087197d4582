"""The plugins, in Kubernetes' order. More (webhooks, policies, RBAC escalation) take their place in `default_chain`."""

from __future__ import annotations

from cluster.apiserver.admission.chain import AdmissionChain
from cluster.apiserver.admission.interface import Surroundings


def default_chain(around: Surroundings) -> AdmissionChain:
    """The plugins that are on by default."""
    from cluster.apiserver.admission.plugins.certificates import (
        CertificateApproval,
        CertificateSigning,
        CertificateSubjectRestriction,
    )
    from cluster.apiserver.admission.plugins.claim_resize import PersistentVolumeClaimResize
    from cluster.apiserver.admission.plugins.default_ingress_class import DefaultIngressClass
    from cluster.apiserver.admission.plugins.default_storage_class import DefaultStorageClass
    from cluster.apiserver.admission.plugins.default_tolerations import DefaultTolerationSeconds
    from cluster.apiserver.admission.plugins.limit_ranger import LimitRanger
    from cluster.apiserver.admission.plugins.mutating_policy import MutatingAdmissionPolicy
    from cluster.apiserver.admission.plugins.namespace_lifecycle import NamespaceLifecycle
    from cluster.apiserver.admission.plugins.node_restriction import NodeRestriction
    from cluster.apiserver.admission.plugins.pod_resize import PodResizeValidator
    from cluster.apiserver.admission.plugins.pod_security import PodSecurity
    from cluster.apiserver.admission.plugins.priority import Priority
    from cluster.apiserver.admission.plugins.resource_quota import ResourceQuota
    from cluster.apiserver.admission.plugins.runtime_class import RuntimeClass
    from cluster.apiserver.admission.plugins.service_account import ServiceAccount
    from cluster.apiserver.admission.plugins.storage_protection import StorageObjectInUseProtection
    from cluster.apiserver.admission.plugins.taint_nodes import TaintNodesByCondition
    from cluster.apiserver.admission.plugins.validating_policy import ValidatingAdmissionPolicy
    from cluster.apiserver.admission.plugins.webhooks import MutatingAdmissionWebhook, ValidatingAdmissionWebhook

    lifecycle = NamespaceLifecycle(around)
    limits = LimitRanger(around)
    account = ServiceAccount(around)
    priority = Priority(around)
    runtime = RuntimeClass(around)
    mutating = (
        lifecycle,
        limits,
        account,
        NodeRestriction(around),
        TaintNodesByCondition(around),
        priority,
        DefaultTolerationSeconds(around),
        DefaultStorageClass(around),
        StorageObjectInUseProtection(around),
        runtime,
        DefaultIngressClass(around),
        MutatingAdmissionPolicy(around),
        MutatingAdmissionWebhook(around),
    )
    validating = (
        limits,
        account,
        PodSecurity(around),
        priority,
        PersistentVolumeClaimResize(around),
        runtime,
        CertificateApproval(around),
        CertificateSigning(around),
        CertificateSubjectRestriction(around),
        PodResizeValidator(around),
        ValidatingAdmissionPolicy(around),
        ValidatingAdmissionWebhook(around),
        ResourceQuota(around),
    )
    return AdmissionChain(mutating, validating, around.authorizer)
