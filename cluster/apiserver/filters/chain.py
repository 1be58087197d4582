"""The road of a request, read from top to bottom.

A step looks at the context and may answer, which ends the road. The first to come in is the last to see the answer:
`finish` puts the warnings and the audit id on it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from random import getrandbits

from cluster.apiserver.filters.deadline import too_late
from cluster.apiserver.handlers import render
from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.request import CLIENT_GONE, HEALTH, Context, Query, parse_info
from cluster.meta import errors
from cluster.meta.errors import StatusError

Step = Callable[[Context], Awaitable[Response | None]]
After = Callable[[Context, Response], None]
_log = logging.getLogger(__name__)


class Chain:
    """`steps` in order; the last one is the router, which always answers. `answered` see every response before it is
    sent, `ended` once the last byte is out (streams) or right after."""

    def __init__(self, steps: Sequence[Step], answered: Sequence[After] = (), ended: Sequence[After] = ()) -> None:
        self._steps = tuple(steps)
        self._answered = tuple(answered)
        self._ended = tuple(ended)
        self.draining = False
        """The server stops: requests that come now are sent away."""

    async def __call__(self, request: Request) -> Response:
        query = Query(request.query)
        audit_id = request.headers.get("audit-id")
        ctx = Context(request, query, parse_info(request, query), audit_id=audit_id[:64] if audit_id else _new_id())
        try:
            response = await self._answer(ctx)
        except asyncio.CancelledError:
            # The client went away. What the steps hold for this request must be let go all the same.
            response = Response(CLIENT_GONE)
            self._tell(ctx, response)
            self._end(ctx, response)
            raise
        response.headers.append(("Audit-Id", ctx.audit_id))
        if not any(name.lower() == "cache-control" for name, _ in response.headers):
            response.headers.append(("Cache-Control", "no-cache, private"))
        response.headers += ctx.headers
        for text in ctx.warnings:
            response.headers.append(("Warning", f'299 - "{_quoted(text)}"'))
        self._tell(ctx, response)
        if response.stream is None and response.takeover is None:
            self._end(ctx, response)
        else:
            response.ended = lambda: self._end(ctx, response)
        return response

    def _tell(self, ctx: Context, response: Response) -> None:
        for after in self._answered:
            after(ctx, response)

    def _end(self, ctx: Context, response: Response) -> None:
        if ctx.release is not None:
            ctx.initialized()
        if ctx.on_end is not None:
            ctx.on_end()
        for after in self._ended:
            after(ctx, response)

    async def _answer(self, ctx: Context) -> Response:
        accept = ctx.request.headers.get("accept", "")
        try:
            if "x-body-too-large" in ctx.request.headers:
                raise errors.too_large("Request entity too large: limit is 3145728")
            if self.draining and ctx.info.path not in HEALTH:
                return _late()
            for step in self._steps:
                response = await step(ctx)
                if response is not None:
                    return response
        except StatusError as error:
            return render.failure(ctx, error, accept)
        except asyncio.CancelledError:
            if not ctx.timed_out:
                raise
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            return render.failure(ctx, too_late(), accept)
        except Exception as error:
            _log.exception("request failed: %s %s", ctx.request.method, ctx.request.path)
            ctx.failed = f"APIServer panic'd: {error}"
            return render.failure(ctx, errors.internal("the server failed; its log says why"), accept)
        return render.failure(ctx, StatusError(404, "NotFound", "the server could not find the requested resource", {}))


def _late() -> Response:
    error = StatusError(503, errors.Reason.SERVICE_UNAVAILABLE, "apiserver is shutting down")
    response = render.failure(None, error)
    response.headers += [("Retry-After", "1"), ("X-Content-Type-Options", "nosniff")]
    return response


def _new_id() -> str:
    """A random UUID. It names one request in a log, so ordinary randomness does."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")
