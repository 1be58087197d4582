"""The kinds of API group certificates.k8s.io."""

from __future__ import annotations

from cluster.kinds.certificates import certificatesigningrequest
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (certificatesigningrequest.KIND,)
