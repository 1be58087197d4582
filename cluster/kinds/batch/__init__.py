"""The kinds of API group batch."""

from __future__ import annotations

from cluster.kinds.batch import cronjob, job
from cluster.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (
    cronjob.KIND,
    job.KIND,
)
