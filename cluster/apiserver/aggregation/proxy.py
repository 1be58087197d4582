"""Requests handed on to the server that answers a group version: as they came, in the user's name.

Who may ask has been decided before. Answers, streams and upgraded connections pass at the pace of whoever reads them.
Texts and statuses of failures are kube-aggregator's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from cluster.apiserver.admission.interface import Objects
from cluster.apiserver.aggregation.identity import Trusted, told_of
from cluster.apiserver.aggregation.registrations import Registration
from cluster.apiserver.http import forwarding
from cluster.apiserver.http.messages import Headers, Response
from cluster.apiserver.request import Context, UserInfo
from cluster.apiserver.service_endpoints import Unresolved, resolve
from cluster.client.endpoint import BadBundle, Endpoint, KeyPair, NoAnswer
from cluster.client.httpforward import Answer, Connections

DISCOVERY_SECONDS = 5.0
"""How long a group version's list of resources may take, so that one slow server does not slow every client down."""


@dataclass(frozen=True, slots=True)
class Document:
    """An answer to this server itself."""

    status: int
    body: bytes
    content_type: str
    etag: str = ""


class Proxy:
    """`own` is what this server shows of itself. One for all APIServices; connections are shared."""

    def __init__(self, objects: Objects, own: KeyPair | None) -> None:
        self._objects = objects
        self._trusted = Trusted(own)
        self._connections = Connections()

    def close(self) -> None:
        """Requests under way go on."""
        self._connections.close()

    def endpoint(self, registration: Registration) -> Endpoint:
        """Raises Unresolved, BadBundle, OSError."""
        tls = self._trusted.of(registration)
        address, port = resolve(self._objects, registration.namespace, registration.service, registration.port)
        return Endpoint(address, port, tls, registration.server_name)

    async def __call__(self, ctx: Context, registration: Registration) -> Response:
        """The other server's answer, or why there is none."""
        if not registration.available:
            return plain(503, "service unavailable")
        try:
            endpoint = self.endpoint(registration)
        except Unresolved:
            return plain(503, "service unavailable")
        except (BadBundle, OSError) as error:
            return plain(500, str(error))
        request = ctx.request
        target = f"{request.path}?{request.query}" if request.query else request.path
        upgrade = "upgrade" in request.headers
        headers = self._headers(ctx, endpoint, upgrade)
        try:
            async with asyncio.timeout(DISCOVERY_SECONDS if _is_discovery(ctx) else None):
                response = await forwarding.forward(endpoint, target, headers, request, self._connections)
        except NoAnswer as error:
            return plain(503, str(error) if upgrade else f"error trying to reach service: {error}")
        except TimeoutError:
            return plain(503, "error trying to reach service: context deadline exceeded")
        # It has been given our id of the request, which is told anyway.
        response.headers = [(name, value) for name, value in response.headers if name.lower() != "audit-id"]
        return response

    @staticmethod
    def _headers(ctx: Context, endpoint: Endpoint, upgrade: bool) -> Headers:
        headers = [*forwarding.onward(ctx.request, endpoint), ("audit-id", ctx.audit_id), *told_of(ctx.user)]
        return headers if upgrade else headers + _forwarded(endpoint, ctx.request.path)

    async def ask(
        self,
        registration: Registration,
        path: str,
        user: UserInfo,
        *,
        accept: str = "",
        etag: str = "",
        seconds: float = DISCOVERY_SECONDS,
        endpoint: Endpoint | None = None,
    ) -> Document:
        """GET for this server itself, whatever the APIService's condition says. Raises NoAnswer, Unresolved,
        BadBundle, OSError, TimeoutError."""
        asked = [(name, value) for name, value in (("accept", accept), ("if-none-match", etag)) if value]
        async with asyncio.timeout(seconds):
            answer = await self.exchange(registration, "GET", path, user, asked, endpoint=endpoint)
            body = await answer.body()
        said = {name.lower(): value for name, value in answer.headers}
        return Document(answer.status, body, said.get("content-type", ""), said.get("etag", ""))

    async def exchange(
        self,
        registration: Registration,
        method: str,
        target: str,
        user: UserInfo,
        headers: Headers,
        body: bytes = b"",
        endpoint: Endpoint | None = None,
    ) -> Answer:
        """A request of this server's own. Raises NoAnswer, Unresolved, BadBundle, OSError."""
        found = endpoint or self.endpoint(registration)
        path = target.partition("?")[0]
        sent = [("host", found.authority), *headers, *told_of(user), *_forwarded(found, path)]
        return await self._connections.send(found, method, target, sent, body)


def _forwarded(endpoint: Endpoint, path: str) -> Headers:
    return [
        ("x-forwarded-host", endpoint.authority),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-uri", path),
    ]


def _is_discovery(ctx: Context) -> bool:
    return not ctx.info.is_resource and len(ctx.request.path.strip("/").split("/")) == 3


def plain(status: int, text: str) -> Response:
    """An answer as Go's http.Error gives it."""
    headers = [("X-Content-Type-Options", "nosniff")]
    return Response(status, f"{text}\n".encode(), "text/plain; charset=utf-8", headers)
