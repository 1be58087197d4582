"""TokenRequest: spoken by serviceaccounts/token; it has no resource of its own."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="authentication.k8s.io",
    version="v1",
    kind="TokenRequest",
    plural="",
    namespaced=True,
    verbs=("create",),
    definition="io.k8s.api.authentication.v1.TokenRequest",
)
