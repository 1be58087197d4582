"""What an audit log is configured with; nothing that does something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cluster.meta.types import Obj


class Mode(StrEnum):
    """`blocking`: a request goes on once its event is written; `blocking-strict`: and is refused when that fails;
    `batch`: events are collected and written behind the requests' backs."""

    BATCH = "batch"
    BLOCKING = "blocking"
    BLOCKING_STRICT = "blocking-strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """A file. `most_bytes` is the size at which it is put aside (0: never), `most_backups` and `most_days` how many
    and how old files put aside may become (0: any). `legacy` writes a line of text instead of JSON."""

    path: Path
    most_bytes: int = 100 << 20
    most_backups: int = 100
    most_days: int = 366
    legacy: bool = False
    mode: Mode = Mode.BLOCKING
    compress: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOptions:
    """A server that events are posted to, as a kubeconfig names it. Batches go out when they are full or the oldest
    event has waited `longest_wait` seconds; what does not fit into `buffer` is lost. A failed request is tried again,
    first after `backoff` seconds."""

    kubeconfig: Path
    mode: Mode = Mode.BATCH
    buffer: int = 10_000
    largest_batch: int = 400
    longest_wait: float = 30.0
    backoff: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """`policy` is an audit.k8s.io/v1 Policy."""

    policy: Obj
    log: LogOptions | None = None
    webhook: WebhookOptions | None = None
