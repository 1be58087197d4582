"""PersistentVolumeClaim."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="",
    version="v1",
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    singular="persistentvolumeclaim",
    namespaced=True,
    short_names=("pvc",),
    definition="io.k8s.api.core.v1.PersistentVolumeClaim",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
