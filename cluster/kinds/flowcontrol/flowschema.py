"""FlowSchema."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="flowcontrol.apiserver.k8s.io",
    version="v1",
    kind="FlowSchema",
    plural="flowschemas",
    singular="flowschema",
    namespaced=False,
    definition="io.k8s.api.flowcontrol.v1.FlowSchema",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
