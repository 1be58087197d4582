"""PriorityLevelConfiguration."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="flowcontrol.apiserver.k8s.io",
    version="v1",
    kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations",
    singular="prioritylevelconfiguration",
    namespaced=False,
    definition="io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
