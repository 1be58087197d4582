"""ValidatingAdmissionPolicyBinding."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    singular="validatingadmissionpolicybinding",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding",
    introduced="1.30",
)
