"""DeviceClass: dynamic resource allocation; what drivers mean by it is left to them."""

from __future__ import annotations

from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.wire import defaulting

DEFINITION = "io.k8s.api.resource.v1.DeviceClass"


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    default=DEFAULT,
    generation=True,
)


KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="DeviceClass",
    plural="deviceclasses",
    singular="deviceclass",
    namespaced=False,
    definition="io.k8s.api.resource.v1.DeviceClass",
    introduced="1.34",
    table=table("resource.k8s.io", "deviceclasses", extensions.aged),
    strategy=_WRITES,
)
