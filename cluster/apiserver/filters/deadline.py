"""No request goes on for ever: one that is not answered in its time is answered with 504 and its work is given up.

A client may ask for less than the server's limit with `?timeout=`. Those are timed one by one; for all others one
look a second at what is under way is enough, and costs the requests nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context
from cluster.meta import errors
from cluster.meta.errors import Reason, StatusError
from cluster.meta.times import TimeError, parse_duration

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock, Timer

_LOOK = 1.0


class Deadlines:
    """`limit` in seconds. Watches and streams have none."""

    def __init__(self, limit: float, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self.under_way: dict[int, tuple[Context, asyncio.Task[Any], Timer | None]] = {}
        self._looking: Timer | None = None

    async def __call__(self, ctx: Context) -> Response | None:
        if ctx.info.is_long_running:
            return None
        timer = None
        task = asyncio.current_task()
        assert task is not None
        if ctx.request.query and "timeout=" in ctx.request.query:
            timer = self._asked(ctx, task)
        self.under_way[id(ctx)] = (ctx, task, timer)
        if self._looking is None:
            self._looking = self._clock.call_later(_LOOK, self._look)
        return None

    def answered(self, ctx: Context, _: Response) -> None:
        found = self.under_way.pop(id(ctx), None)
        if found is not None and found[2] is not None:
            found[2].cancel()

    def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    def _asked(self, ctx: Context, task: asyncio.Task[Any]) -> Timer | None:
        text = ctx.query.get("timeout")
        if not text:
            return None
        try:
            seconds = parse_duration(text) / 1e9
        except TimeError as error:
            raise errors.bad_request(f"invalid timeout specified in the request URL - {error}") from None
        if not 0 < seconds < self.limit:
            return None
        ctx.deadline = ctx.received + seconds
        return self._clock.call_later(seconds, lambda: _give_up(ctx, task))

    def _look(self) -> None:
        oldest = self._clock.now() - self.limit
        for ctx, task, _ in list(self.under_way.values()):
            if ctx.received < oldest:
                _give_up(ctx, task)
        self._looking = self._clock.call_later(_LOOK, self._look) if self.under_way else None


def _give_up(ctx: Context, task: asyncio.Task[Any]) -> None:
    ctx.timed_out = True
    task.cancel()


def too_late() -> StatusError:
    text = "Timeout: request did not complete within the allotted timeout"
    return StatusError(504, Reason.TIMEOUT, text, {})
