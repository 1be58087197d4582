"""APIService."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="apiregistration.k8s.io",
    version="v1",
    kind="APIService",
    plural="apiservices",
    singular="apiservice",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
