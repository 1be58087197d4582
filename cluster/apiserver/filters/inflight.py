"""A plain bound on what is under way, for servers without priority and fairness: 429 beyond it. Streams are not
counted, and members of system:masters are let in even then."""

from __future__ import annotations

from cluster.apiserver.filters.flow import too_many
from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import MASTERS, READ_VERBS, Context


class MaxInFlight:
    """`reads` and `writes` at once; 0 is no bound."""

    def __init__(self, reads: int, writes: int) -> None:
        self._most = {True: reads, False: writes}
        self._running = {True: 0, False: 0}

    async def __call__(self, ctx: Context) -> Response | None:
        reading = ctx.info.verb in READ_VERBS
        if ctx.info.is_long_running or not self._most[reading]:
            return None
        if self._running[reading] >= self._most[reading]:
            return None if MASTERS in ctx.user.groups else too_many(1)
        self._running[reading] += 1
        ctx.release = lambda: self._leave(reading)
        return None

    def _leave(self, reading: bool) -> None:
        self._running[reading] -= 1
