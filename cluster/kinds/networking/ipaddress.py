"""IPAddress."""

from __future__ import annotations

from cluster.kinds.kind import Kind

KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="IPAddress",
    plural="ipaddresses",
    singular="ipaddress",
    namespaced=False,
    short_names=("ip",),
    definition="io.k8s.api.networking.v1.IPAddress",
    introduced="1.33",
)
