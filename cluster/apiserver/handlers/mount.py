"""Which path is answered by whom: the one place that names every handler outside the resources."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from cluster.apiserver.codecs.media import named, unacceptable
from cluster.apiserver.flowcontrol import dump
from cluster.apiserver.handlers import render, reviews, subresources
from cluster.apiserver.handlers.accept import JSON, Wanted
from cluster.apiserver.handlers.discovery import Discovery
from cluster.apiserver.handlers.health import Health
from cluster.apiserver.handlers.metrics import Metrics, health_families
from cluster.apiserver.handlers.openapi import OpenAPIHandlers
from cluster.apiserver.handlers.router import Handler, nothing_here, page_not_found
from cluster.apiserver.handlers.statusz import Flagz, Statusz
from cluster.apiserver.handlers.version import version_info
from cluster.apiserver.http.messages import Response
from cluster.apiserver.metrics import flow, state
from cluster.apiserver.metrics.features import FEATURES
from cluster.apiserver.request import Context
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

_FLOW = "/debug/api_priority_and_fairness"
_LIKE_STATUS = ("status", "ephemeralcontainers", "resize", "approval", "finalize")


def mount(server: ApiServer) -> None:
    """Fill the server's router."""
    _subresources(server)
    _discovery(server)
    _operation(server)
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


def _operation(server: ApiServer) -> None:
    router = server.router
    endpoints = {name: Health(name) for name in ("healthz", "livez", "readyz")}
    for name, health in endpoints.items():
        for check, works in checks(server, name).items():
            health.checks[check] = works
        router.paths[f"/{name}"] = health
        router.paths |= {f"/{name}/{check}": health for check in health.checks}
        router.prefixes[f"/{name}/"] = health
    info = version_info(server.options.kubernetes_version)

    async def version(ctx: Context) -> Response:
        if ctx.request.method not in ("GET", "HEAD"):
            raise errors.method_not_allowed()
        if not named(ctx.request.headers.get("accept") or JSON, (JSON,)):
            raise unacceptable((JSON,))
        return render.answer(ctx, info, Wanted(pretty=True))

    async def root(ctx: Context) -> Response:
        return render.answer(ctx, {"paths": sorted(paths(server))}, Wanted(pretty=True))

    tokens = server.services.extras.get("tokens")
    if tokens is not None:
        where = f"{server.options.advertise or server.options.address}:{server.options.port}"

        async def configuration(ctx: Context) -> Response:
            return document(ctx, tokens.configuration(where), JSON)

        async def keys(ctx: Context) -> Response:
            return document(ctx, tokens.keys(), "application/jwk-set+json")

        router.paths["/.well-known/openid-configuration"] = configuration
        router.paths["/openid/v1/jwks"] = keys
    documents = OpenAPIHandlers(server.kinds, server.services.schema, server.aggregator, server.clock)
    router.paths["/openapi/v3"] = documents.index
    router.prefixes["/openapi/v3/"] = documents.document
    router.paths["/openapi/v2"] = documents.v2
    health_now = partial(health_families, endpoints)
    router.paths["/metrics"] = Metrics(
        health_now, server.requests.families, partial(flow.families, server.levels), server.measured.families,
        server.services.admission.times.families, partial(state.watches, server.served),
        server.aggregator.families,
        partial(state.storage, server.feed), partial(state.build, info), partial(state.features, FEATURES),
        state.process, *((server.audit.families,) if server.audit is not None else ()),
    )  # fmt: skip
    router.paths["/statusz"] = Statusz(info, server.clock.now)
    router.paths["/flagz"] = Flagz(server.options)
    router.paths["/metrics/slis"] = Metrics(health_now, state.process)
    _flow_tables(server)
    router.paths["/version"] = version
    router.paths["/"] = root


def _flow_tables(server: ApiServer) -> None:
    """What priority and fairness does at this moment, for people; not listed in `/`."""

    def shown(make: Callable[[Context], str]) -> Handler:
        async def handler(ctx: Context) -> Response:
            return Response(200, make(ctx).encode(), "text/plain; charset=utf-8")

        return handler

    held, paths = server.levels.levels, server.router.unlisted
    paths[f"{_FLOW}/dump_priority_levels"] = shown(lambda _: dump.levels(held.values()))
    paths[f"{_FLOW}/dump_queues"] = shown(lambda _: dump.queues(held.values()))
    paths[f"{_FLOW}/dump_requests"] = shown(
        lambda ctx: dump.requests(held.values(), details=bool(ctx.query.get("includeRequestDetails")))
    )


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


def checks(server: ApiServer, name: str):  # type: ignore[no-untyped-def]
    """What must hold for a health endpoint."""

    def store() -> str:
        return str(server.feed.failure) if server.feed.failure is not None else ""

    def nothing() -> str:
        return ""

    def started() -> str:
        return "" if server.ready else "the server is starting or stopping"

    def caches() -> str:
        broken = [str(cache.resource) for cache in server.feed.caches.values() if cache.unreadable]
        return store() or (f"cannot read all of {', '.join(broken)}" if broken else "")

    hooks = server.steps.checks()
    if name == "readyz":
        return {"ping": nothing, "log": nothing, "informer-sync": caches, **hooks, "shutdown": started}
    serving = {"loopback-serving-certificate": nothing, "etcd": store}
    return {"ping": nothing, "log": nothing, **serving, **hooks}


def paths(server: ApiServer) -> set[str]:
    """Every path that `/` lists."""
    out = {p for p in server.router.paths if p != "/"}
    for gv in server.kinds.group_versions():
        if gv.group:
            out |= {f"/apis/{gv.group}", f"/apis/{gv.group}/{gv.version}"}
        else:
            out.add(f"/api/{gv.version}")
    return out | {"/apis/", "/openapi/v3/"}
