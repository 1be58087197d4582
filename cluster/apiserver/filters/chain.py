"""The road of a request, read from top to bottom.

A step looks at the context and may answer, which ends the road. The first to come in is the last to see the answer:
`finish` puts the warnings and the audit id on it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from cluster.apiserver.handlers import render
from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.registry.metadata import new_uid
from cluster.apiserver.request import Context, Query, parse_info
from cluster.meta import errors
from cluster.meta.errors import StatusError

Step = Callable[[Context], Awaitable[Response | None]]
After = Callable[[Context, Response], None]
_CLIENT_GONE = 499
"""No status is sent; this is how such requests are counted."""
_log = logging.getLogger(__name__)


class Chain:
    """`steps` in order; the last one is the router, which always answers. `after` see every response."""

    def __init__(self, steps: Sequence[Step], after: Sequence[After] = ()) -> None:
        self._steps = tuple(steps)
        self._after = tuple(after)

    async def __call__(self, request: Request) -> Response:
        query = Query(request.query)
        ctx = Context(request, query, parse_info(request, query), audit_id=new_uid())
        try:
            response = await self._answer(ctx)
        except asyncio.CancelledError:
            # The client went away. What the steps hold for this request must be let go all the same.
            self._finish(ctx, Response(_CLIENT_GONE))
            raise
        response.headers += [("Audit-Id", ctx.audit_id), ("Cache-Control", "no-cache, private")]
        for text in ctx.warnings:
            response.headers.append(("Warning", f'299 - "{_quoted(text)}"'))
        self._finish(ctx, response)
        return response

    def _finish(self, ctx: Context, response: Response) -> None:
        for after in self._after:
            after(ctx, response)

    async def _answer(self, ctx: Context) -> Response:
        accept = ctx.request.headers.get("accept", "")
        try:
            if "x-body-too-large" in ctx.request.headers:
                raise errors.too_large("Request entity too large: limit is 3145728")
            for step in self._steps:
                response = await step(ctx)
                if response is not None:
                    return response
        except StatusError as error:
            return render.failure(ctx, error, accept)
        except Exception:
            _log.exception("request failed: %s %s", ctx.request.method, ctx.request.path)
            return render.failure(ctx, errors.internal("the server failed; its log says why"), accept)
        return render.failure(ctx, StatusError(404, "NotFound", "the server could not find the requested resource", {}))


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")
