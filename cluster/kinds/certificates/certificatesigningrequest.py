"""CertificateSigningRequest."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="certificates.k8s.io",
    version="v1",
    kind="CertificateSigningRequest",
    plural="certificatesigningrequests",
    singular="certificatesigningrequest",
    namespaced=False,
    short_names=("csr",),
    definition="io.k8s.api.certificates.v1.CertificateSigningRequest",
    subresources=(
        Subresource(name="approval", verbs=("get", "patch", "update")),
        Subresource(name="status", verbs=("get", "patch", "update")),
    ),
)
