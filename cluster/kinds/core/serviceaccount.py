"""ServiceAccount."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource
from cluster.meta.types import GroupVersionKind

KIND = Kind(
    group="",
    version="v1",
    kind="ServiceAccount",
    plural="serviceaccounts",
    singular="serviceaccount",
    namespaced=True,
    short_names=("sa",),
    definition="io.k8s.api.core.v1.ServiceAccount",
    subresources=(
        Subresource(
            name="token",
            verbs=("create",),
            kind=GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest"),
        ),
    ),
)
