"""The kinds of API group storage.k8s.io."""

from __future__ import annotations

from cluster.kinds.kind import Kind
from cluster.kinds.storage import (
    csidriver,
    csinode,
    csistoragecapacity,
    storageclass,
    volumeattachment,
    volumeattributesclass,
)

KINDS: tuple[Kind, ...] = (
    csidriver.KIND,
    csinode.KIND,
    csistoragecapacity.KIND,
    storageclass.KIND,
    volumeattachment.KIND,
    volumeattributesclass.KIND,
)
