"""DeviceClass."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="DeviceClass",
    plural="deviceclasses",
    singular="deviceclass",
    namespaced=False,
    definition="io.k8s.api.resource.v1.DeviceClass",
    introduced="1.34",
)
