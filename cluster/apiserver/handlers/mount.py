"""Which path is answered by whom: the one place that names every handler outside the resources."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cluster.apiserver.handlers import operation, render, reviews, subresources
from cluster.apiserver.handlers.accept import JSON, Wanted
from cluster.apiserver.handlers.discovery import Discovery
from cluster.apiserver.handlers.router import nothing_here, page_not_found, when_asked
from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.apiserver.handlers.openapi import OpenAPIHandlers
    from cluster.apiserver.server import ApiServer

_LIKE_STATUS = ("status", "ephemeralcontainers", "resize", "approval", "finalize")


def mount(server: ApiServer) -> None:
    """Fill the server's router."""
    _subresources(server)
    _discovery(server)
    _documents(server)
    _issuer(server)
    operation.mount(server)
    reviews.mount(server)


def _subresources(server: ApiServer) -> None:
    table = server.router.subresources
    for name in _LIKE_STATUS:
        table["*", "*", name] = subresources.status
    table["*", "*", "scale"] = subresources.scale
    table["", "pods", "binding"] = subresources.binding
    table["", "pods", "eviction"] = subresources.eviction
    table["", "serviceaccounts", "token"] = subresources.token
    connect = server.connect
    table["", "pods", "log"] = connect.log
    table["", "pods", "exec"] = connect.exec
    table["", "pods", "attach"] = connect.attach
    table["", "pods", "portforward"] = connect.port_forward
    for plural in ("pods", "services", "nodes"):
        table["", plural, "proxy"] = connect.proxy
    server.router.virtual["", "bindings"] = subresources.binding


def _discovery(server: ApiServer) -> None:
    options, router = server.options, server.router
    discovery = Discovery(server.kinds, server.aggregator, f"{options.advertise or options.address}:{options.port}")
    router.paths["/api"] = discovery.core
    router.paths["/apis"] = discovery.groups

    async def below(ctx: Context) -> Response:
        found = await discovery.group(ctx)
        if found is not None:
            return found
        parts = [p for p in ctx.request.path.strip("/").split("/") if p]
        if parts[0] == "apis" and (len(parts) < 2 or server.kinds.is_custom(parts[1])):
            return page_not_found()
        raise nothing_here()

    router.prefixes["/api/"] = below
    router.prefixes["/apis/"] = below
    server.discovery = discovery


def _documents(server: ApiServer) -> None:
    """OpenAPI, which is loaded with the first request for it."""

    @cache
    def made() -> OpenAPIHandlers:
        from cluster.apiserver.handlers.openapi import OpenAPIHandlers

        return OpenAPIHandlers(server.kinds, server.services.schema, server.aggregator, server.clock)

    router = server.router
    router.paths["/openapi/v3"] = when_asked(lambda: made().index)
    router.prefixes["/openapi/v3/"] = when_asked(lambda: made().document)
    router.paths["/openapi/v2"] = when_asked(lambda: made().v2)


def _issuer(server: ApiServer) -> None:
    """What verifiers of this server's tokens read."""
    tokens = server.services.extras.get("tokens")
    if tokens is None:
        return
    where = f"{server.options.advertise or server.options.address}:{server.options.port}"

    async def configuration(ctx: Context) -> Response:
        return document(ctx, tokens.configuration(where), JSON)

    async def keys(ctx: Context) -> Response:
        return document(ctx, tokens.keys(), "application/jwk-set+json")

    server.router.paths["/.well-known/openid-configuration"] = configuration
    server.router.paths["/openid/v1/jwks"] = keys


def document(ctx: Context, content: Obj, media_type: str) -> Response:
    """What verifiers of tokens read: one form alone, and good for an hour. Raises 405, 406."""
    if ctx.request.method not in ("GET", "HEAD"):
        raise errors.method_not_allowed()
    accepted = ctx.request.headers.get("accept", "") or "*/*"
    if not any(
        clause.partition(";")[0].strip() in (media_type, "*/*", "application/*") for clause in accepted.split(",")
    ):
        text = f"406: Not Acceptable\n\nAvailable representations: {media_type}"
        raise StatusError(406, errors.Reason.NOT_ACCEPTABLE, text, {})
    response = render.answer(ctx, content, Wanted())
    response.content_type = media_type
    response.headers.append(("Cache-Control", "public, max-age=3600"))
    return response
