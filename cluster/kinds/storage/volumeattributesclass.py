"""VolumeAttributesClass."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttributesClass",
    plural="volumeattributesclasses",
    singular="volumeattributesclass",
    namespaced=False,
    short_names=("vac",),
    definition="io.k8s.api.storage.v1.VolumeAttributesClass",
    introduced="1.34",
)
