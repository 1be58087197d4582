"""MutatingWebhookConfiguration."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="MutatingWebhookConfiguration",
    plural="mutatingwebhookconfigurations",
    singular="mutatingwebhookconfiguration",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration",
)
