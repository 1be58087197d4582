"""VolumeAttachment."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttachment",
    plural="volumeattachments",
    singular="volumeattachment",
    namespaced=False,
    definition="io.k8s.api.storage.v1.VolumeAttachment",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
