"""PersistentVolume."""

from __future__ import annotations

from cluster.kinds.kind import Kind, Subresource

KIND = Kind(
    group="",
    version="v1",
    kind="PersistentVolume",
    plural="persistentvolumes",
    singular="persistentvolume",
    namespaced=False,
    short_names=("pv",),
    definition="io.k8s.api.core.v1.PersistentVolume",
    subresources=(Subresource(name="status", verbs=("get", "patch", "update")),),
)
