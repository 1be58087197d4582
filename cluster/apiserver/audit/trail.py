"""From requests to events: which are audited, and what is told of them at each stage.

A request is told up to three times: when it has come in (RequestReceived), for watches and streams when the answer
begins (ResponseStarted), and when its last byte is out (ResponseComplete) or the server has failed (Panic). Those that
are turned away before it is known who asks are told once, as ResponseStarted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from cluster.apiserver.audit.policy import COMPLETE, NAMES, PANIC, RECEIVED, STARTED, Level, Policy
from cluster.apiserver.audit.record import Record
from cluster.apiserver.http.messages import Response
from cluster.apiserver.metrics.exposition import Family
from cluster.apiserver.request import CLIENT_GONE, Context
from cluster.meta import errors
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

_CLOSED_EARLY = (
    b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","message":"Connection closed early"}'
)
_UNHEARD = False
"""In place of a record: the policy keeps nothing of this request."""


class Backend(Protocol):
    """Takes events. `lost` counts those that it could not keep."""

    strict: bool
    """Whether a request must not go on when its event cannot be kept."""
    lost: int

    def take(self, event: Obj) -> bool:
        """False when the event is lost."""
        ...

    async def close(self) -> None:
        """Write what is still held, and let go."""
        ...


class AuditTrail:
    """A step of the chain, after authentication, and two hooks of it."""

    def __init__(self, policy: Policy, backends: Sequence[Backend], clock: Clock) -> None:
        self._policy = policy
        self._backends = tuple(backends)
        self._clock = clock
        self._levels: Counter[str] = Counter()
        self._events = self._refused = 0

    async def __call__(self, ctx: Context) -> Response | None:
        verdict = self._policy.verdict(ctx.user, ctx.info)
        self._levels[NAMES[verdict.level]] += 1
        if verdict.level is Level.NONE:
            ctx.audit = _UNHEARD
            return None
        ctx.audit = Record(ctx, verdict, ctx.user)
        ctx.annotations = {}
        if not self._tell(ctx.audit, RECEIVED, None):
            self._refused += 1
            raise errors.internal("failed to store audit event")
        return None

    def answered(self, ctx: Context, response: Response) -> None:
        if ctx.audit is None:
            self._turned_away(ctx, response)
        elif ctx.audit and ctx.info.is_long_running:
            self._tell(ctx.audit, STARTED, response)

    def ended(self, ctx: Context, response: Response) -> None:
        if not ctx.audit:
            return
        if response.status == CLIENT_GONE:
            response = Response(200, _CLOSED_EARLY)
        self._tell(ctx.audit, PANIC if ctx.failed else COMPLETE, response)

    async def close(self) -> None:
        for backend in self._backends:
            await backend.close()

    def _turned_away(self, ctx: Context, response: Response) -> None:
        verdict = self._policy.verdict(None, ctx.info)
        if verdict.level is not Level.NONE and response.status != CLIENT_GONE:
            self._tell(Record(ctx, verdict, None), STARTED, response)
        ctx.audit = _UNHEARD

    def _tell(self, record: Record, stage: str, response: Response | None) -> bool:
        """False when a strict back end has lost it."""
        if stage in record.verdict.omitted:
            return True
        now = record.ctx.received if stage == RECEIVED and record.ctx.received else self._clock.now()
        event = record.event(stage, now, response)
        self._events += 1
        kept = [backend.take(event) or not backend.strict for backend in self._backends]
        return all(kept)

    def families(self) -> Iterator[Family]:
        yield Family(
            "apiserver_audit_event_total", "counter",
            "[ALPHA] Counter of audit events generated and sent to the audit backend.", (), [((), self._events)],
        )  # fmt: skip
        yield Family(
            "apiserver_audit_level_total", "counter",
            "[ALPHA] Counter of policy levels for audit events (1 per request).",
            ("level",), [((level,), number) for level, number in self._levels.items()],
        )  # fmt: skip
        yield Family(
            "apiserver_audit_requests_rejected_total", "counter",
            "[ALPHA] Counter of apiserver requests rejected due to an error in audit logging backend.",
            (), [((), self._refused)],
        )  # fmt: skip
        yield Family(
            "apiserver_audit_error_total", "counter",
            "[ALPHA] Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected "
            "by the error.",
            ("plugin",), [((type(b).__name__.lower(),), b.lost) for b in self._backends],
        )  # fmt: skip
