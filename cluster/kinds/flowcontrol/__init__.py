"""The kinds of API group flowcontrol.apiserver.k8s.io."""

from __future__ import annotations

from cluster.kinds.flowcontrol import flowschema, prioritylevelconfiguration
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (
    flowschema.KIND,
    prioritylevelconfiguration.KIND,
)
