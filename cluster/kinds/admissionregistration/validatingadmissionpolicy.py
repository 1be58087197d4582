"""ValidatingAdmissionPolicy."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    singular="validatingadmissionpolicy",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy",
    introduced="1.30",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
