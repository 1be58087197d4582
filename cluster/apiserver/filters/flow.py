"""Whose turn it is: a request is put into its priority level, runs, waits in a queue, or is refused with 429.

Which level that is and who is next, the package flowcontrol decides; here requests are made to wait. Streams that go on
for long (logs, exec) are not held up at all, watches only until their initial events are out.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from cluster.apiserver.flowcontrol.counts import CONCURRENCY, QUEUE_FULL, TIME_OUT, Counts
from cluster.apiserver.flowcontrol.estimate import Estimator, Watchers
from cluster.apiserver.flowcontrol.queueset import ONE, Ticket
from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import LONG_SUBRESOURCES, Context

if TYPE_CHECKING:
    from cluster.apiserver.flowcontrol.levels import Flow, Levels
    from cluster.machinery.clock import Clock

_LONGEST_WAIT = 60.0
_REFUSAL = b"Too many requests, please try again later.\n"


def too_many(retry_after: int) -> Response:
    headers = [("Retry-After", str(retry_after)), ("X-Content-Type-Options", "nosniff")]
    return Response(429, _REFUSAL, "text/plain; charset=utf-8", headers)


def _settle(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


class PriorityAndFairness:
    """`timeout` is what a request is given that names none, in seconds; a quarter of it may go by in a queue."""

    def __init__(self, levels: Levels, estimator: Estimator, watchers: Watchers, clock: Clock, timeout: float) -> None:
        self._levels = levels
        self._estimator = estimator
        self._watchers = watchers
        self._clock = clock
        self._timeout = timeout

    async def __call__(self, ctx: Context) -> Response | None:
        info = ctx.info
        verb = info.verb
        if info.subresource in LONG_SUBRESOURCES and verb != "watch":
            return None
        flow = self._levels.classify(ctx.user, info)
        ctx.headers = flow.headers
        level, counts = flow.level, flow.counts
        work = ONE if verb == "get" else self._estimator.work(info, ctx.query, level.widest)
        if work is ONE:
            counts.narrow += 1
        else:
            counts.wide.observe(max(work.seats, work.final))
        now = self._clock.now()
        ticket = level.queues.start(work, flow.hand, flow.schema.name, flow.name, ctx, now)
        if ticket is None:
            return self._refused(flow, QUEUE_FULL if flow.hand else CONCURRENCY, now)
        if not ticket.running:
            refusal = await self._turn(ctx, flow, ticket)
            if refusal is not None:
                return refusal
        elif flow.hand:
            counts.lengths.observe(1)
        if not level.exempt:
            ctx.waited = ticket.started - ticket.arrived
            counts.waited.observe(ctx.waited)
        counts.dispatched += 1
        counts.executing += 1
        counts.seats += ticket.widest
        if verb == "watch":
            place = self._watchers.add(info, ctx.query)
            ctx.release = lambda: self._finish(flow, ticket, "watch")
            ctx.on_end = lambda: self._watchers.remove(place)
        else:
            ctx.release = lambda: self._finish(flow, ticket, "regular")
        return None

    def _finish(self, flow: Flow, ticket: Ticket, type: str) -> None:
        now, counts = self._clock.now(), flow.counts
        counts.executing -= 1
        counts.seats -= ticket.widest
        counts.ran(type, now - ticket.started)
        flow.level.queues.finish(ticket, now)
        if flow.level.quiescing:
            self._levels.reap()

    async def _turn(self, ctx: Context, flow: Flow, ticket: Ticket) -> Response | None:
        """Wait for it, as long as the request may."""
        counts, queues = flow.counts, flow.level.queues
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket.dispatched = partial(_settle, done)
        timer = self._clock.call_later(self._patience(ctx), ticket.dispatched)
        self._queued(counts, ticket, 1)
        if ticket.queue is not None:
            counts.lengths.observe(len(ticket.queue.waiting))
        try:
            await done
        except asyncio.CancelledError:
            # Its client went away, perhaps in the moment its turn came.
            now = self._clock.now()
            if ticket.running:
                queues.finish(ticket, now)
            else:
                self._give_up(flow, ticket, now)
            raise
        finally:
            timer.cancel()
            self._queued(counts, ticket, -1)
        if ticket.running:
            return None
        now = self._clock.now()
        self._give_up(flow, ticket, now)
        return too_many(flow.level.retry.refused(now))

    @staticmethod
    def _give_up(flow: Flow, ticket: Ticket, now: float) -> None:
        flow.level.queues.cancel(ticket, now)
        flow.counts.rejected[TIME_OUT] += 1
        flow.counts.refused.observe(now - ticket.arrived)

    @staticmethod
    def _queued(counts: Counts, ticket: Ticket, by: int) -> None:
        counts.waiting += by
        counts.waiting_seats += by * ticket.widest

    def _patience(self, ctx: Context) -> float:
        limit = self._timeout if ctx.deadline is None else ctx.deadline - ctx.received
        return min(limit / 4, _LONGEST_WAIT)

    @staticmethod
    def _refused(flow: Flow, reason: str, now: float) -> Response:
        flow.counts.rejected[reason] += 1
        flow.counts.refused.observe(0)
        return too_many(flow.level.retry.refused(now))
