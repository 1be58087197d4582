"""ComponentStatus: the health of the control plane, made up on reading."""

from __future__ import annotations

from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import configuration
from cluster.meta.types import Obj


def _warnings(_new: Obj, _old: Obj | None) -> list[str]:
    return ["v1 ComponentStatus is deprecated in v1.19+"]


KIND = Kind(
    group="",
    version="v1",
    kind="ComponentStatus",
    plural="componentstatuses",
    singular="componentstatus",
    namespaced=False,
    short_names=("cs",),
    verbs=("get", "list"),
    definition="io.k8s.api.core.v1.ComponentStatus",
    table=table("", "componentstatuses", configuration.component_status),
    strategy=Strategy(warnings=_warnings),
    deprecated="v1 ComponentStatus is deprecated in v1.19+",
)
