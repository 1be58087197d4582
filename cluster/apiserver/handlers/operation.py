"""What those ask who operate the server: health, metrics, settings, version.

All but health and version is made, and what it needs loaded, when somebody asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.apiserver.codecs.media import named, unacceptable
from cluster.apiserver.handlers import render
from cluster.apiserver.handlers.accept import JSON, Wanted
from cluster.apiserver.handlers.health import Check, Health
from cluster.apiserver.handlers.router import Handler, when_asked
from cluster.apiserver.handlers.version import version_info
from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context
from cluster.meta import errors

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer


def mount(server: ApiServer) -> None:
    endpoints = {name: _health(server, name) for name in ("healthz", "livez", "readyz")}
    _measured(server, endpoints)
    _flow_tables(server)
    info = version_info(server.options.kubernetes_version)

    async def version(ctx: Context) -> Response:
        if ctx.request.method not in ("GET", "HEAD"):
            raise errors.method_not_allowed()
        if not named(ctx.request.headers.get("accept") or JSON, (JSON,)):
            raise unacceptable((JSON,))
        return render.answer(ctx, info, Wanted(pretty=True))

    async def root(ctx: Context) -> Response:
        return render.answer(ctx, {"paths": sorted(paths(server))}, Wanted(pretty=True))

    server.router.paths["/version"] = version
    server.router.paths["/"] = root


def _health(server: ApiServer, name: str) -> Health:
    router, health = server.router, Health(name)
    health.checks |= checks(server, name)
    router.paths[f"/{name}"] = health
    router.paths |= {f"/{name}/{check}": health for check in health.checks}
    router.prefixes[f"/{name}/"] = health
    return health


def _measured(server: ApiServer, endpoints: dict[str, Health]) -> None:
    def metrics() -> Handler:
        from cluster.apiserver.handlers.metrics import Metrics, of_server

        return Metrics(server.started, of_server(server, endpoints))

    def slis() -> Handler:
        from cluster.apiserver.handlers.metrics import Metrics, of_health

        return Metrics(server.started, of_health(server, endpoints))

    def statusz() -> Handler:
        from cluster.apiserver.handlers.statusz import Statusz

        return Statusz(version_info(server.options.kubernetes_version), server.started, server.clock.now)

    def flagz() -> Handler:
        from cluster.apiserver.handlers.statusz import Flagz

        return Flagz(server.options)

    for path, make in (("/metrics", metrics), ("/metrics/slis", slis), ("/statusz", statusz), ("/flagz", flagz)):
        server.router.paths[path] = when_asked(make)


def _flow_tables(server: ApiServer) -> None:
    """What priority and fairness does at this moment, for people; not listed in `/`."""

    def shown(table: str) -> Handler:
        async def handler(ctx: Context) -> Response:
            from cluster.apiserver.flowcontrol import dump

            details = bool(ctx.query.get("includeRequestDetails"))
            text = dump.text(table, server.levels.levels.values(), details=details)
            return Response(200, text.encode(), "text/plain; charset=utf-8")

        return handler

    for table in ("priority_levels", "queues", "requests"):
        server.router.unlisted[f"/debug/api_priority_and_fairness/dump_{table}"] = shown(table)


def checks(server: ApiServer, name: str) -> dict[str, Check]:
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
