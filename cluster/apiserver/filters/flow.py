"""Not more at once than the server can bear: a bound on requests in flight, 429 beyond it.

Long-running requests (watches, logs, exec) are not counted. Priority and fairness has its place here.
"""

from __future__ import annotations

from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import MASTERS, Context
from cluster.meta import errors

_LONG = frozenset(("log", "exec", "attach", "portforward", "proxy"))


class FlowControl:
    """`most` requests at once; members of system:masters are exempt."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: set[int] = set()
        self.refused = 0

    async def __call__(self, ctx: Context) -> Response | None:
        if ctx.info.verb == "watch" or ctx.info.subresource in _LONG or MASTERS in ctx.user.groups:
            return None
        if len(self._held) >= self._most:
            self.refused += 1
            raise errors.too_many_requests("too many requests, please try again later", 1)
        self._held.add(id(ctx))
        return None

    def release(self, ctx: Context, _: Response) -> None:
        self._held.discard(id(ctx))
