"""Which handler answers a request: resources by kind and verb, everything else by path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cluster.apiserver.handlers.resources import VERBS
from cluster.apiserver.http.messages import Response
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context, RequestInfo
from cluster.kinds.kind import Kind
from cluster.kinds.registry import KindRegistry
from cluster.meta import errors
from cluster.meta.errors import StatusError

if TYPE_CHECKING:
    from cluster.apiserver.aggregation.aggregator import Aggregator

Handler = Callable[[Context], Awaitable[Response]]
SubHandler = Callable[[Context, Registry], Awaitable[Response]]
NOT_FOUND = "the server could not find the requested resource"


def when_asked(make: Callable[[], Handler]) -> Handler:
    """A handler that is made, and loaded with what it needs, when somebody asks it for the first time."""
    made: Handler | None = None

    async def handler(ctx: Context) -> Response:
        nonlocal made
        if made is None:
            made = make()
        return await made(ctx)

    return handler


def page_not_found() -> Response:
    return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")


def nothing_here() -> StatusError:
    return StatusError(404, errors.Reason.NOT_FOUND, NOT_FOUND, {})


class Router:
    """`paths` are exact (with or without a final slash), `prefixes` end with a slash; `virtual` kinds store nothing."""

    def __init__(self, kinds: KindRegistry, registry_of: Callable[[Kind], Registry]) -> None:
        self._kinds = kinds
        self._registry_of = registry_of
        self.paths: dict[str, Handler] = {}
        self.unlisted: dict[str, Handler] = {}
        """Exact paths that `/` does not tell."""
        self.prefixes: dict[str, Handler] = {}
        self.subresources: dict[tuple[str, str, str], SubHandler] = {}
        """By (group, plural, subresource); `*` for any group and plural."""
        self.virtual: dict[tuple[str, str], SubHandler] = {}
        """Kinds that are asked, not stored: (group, plural) -> what answers a create."""
        self.aggregator: Aggregator | None = None
        """Knows the group versions that are another server's; they come before our own."""

    async def __call__(self, ctx: Context) -> Response:
        info = ctx.info
        if self.aggregator is not None and self.aggregator.remote:
            registration = self.aggregator.registrations.of_path(ctx.request.path)
            if registration is not None:
                return await self.aggregator.forward(ctx, registration)
        if info.is_resource:
            kind = self._kinds.resource(info.group, info.version, info.resource)
            if kind is not None and "//" not in ctx.request.path.replace("namespaces//", "namespaces/", 1):
                ctx.routed = not info.subresource or kind.subresource(info.subresource) is not None
                if kind.deprecated:
                    ctx.warn(kind.deprecated)
                    ctx.annotate("k8s.io/deprecated", "true")
                return await self._resource(ctx, info, kind)
        return await self._path(ctx)

    async def _path(self, ctx: Context) -> Response:
        path = ctx.request.path
        handler = self.paths.get(path) or self.paths.get(path.rstrip("/")) or self.unlisted.get(path)
        if handler is not None:
            ctx.routed = True
            return await handler(ctx)
        for prefix, owner in self.prefixes.items():
            if path.startswith(prefix):
                return await owner(ctx)
        if self._ours(path):
            raise nothing_here()
        return page_not_found()

    def _ours(self, path: str) -> bool:
        """Paths below /api and below known groups are refused with a Status, others with a page."""
        parts = path.strip("/").split("/")
        if parts[0] == "api":
            return True
        return parts[0] == "apis" and len(parts) > 2 and self._kinds.has_group(parts[1])

    async def _resource(self, ctx: Context, info: RequestInfo, kind: Kind) -> Response:
        if not kind.namespaced:
            # RequestInfo takes the namespaces resource itself for a namespaced one.
            if info.namespace and kind.plural != "namespaces":
                if not kind.definition:
                    return page_not_found()
                raise nothing_here()
            info.namespace = ""
        if info.subresource:
            return await self._subresource(ctx, info, kind)
        virtual = self.virtual.get((kind.group, kind.plural))
        if virtual is not None and (info.named or (kind.namespaced and not info.namespace)):
            raise nothing_here()
        if not self._shaped(info, kind):
            raise errors.method_not_allowed()
        if info.verb not in VERBS or info.verb not in kind.verbs or ctx.request.method == "HEAD":
            raise errors.method_not_allowed()
        if virtual is not None:
            return await virtual(ctx, self._registry_of(kind))
        return await VERBS[info.verb](ctx, self._registry_of(kind))

    @staticmethod
    def _shaped(info: RequestInfo, kind: Kind) -> bool:
        """Whether the path has the parts the verb needs."""
        if info.named:
            if kind.namespaced and not info.namespace:
                raise nothing_here()
            return info.verb in ("get", "update", "patch", "delete")
        if kind.namespaced and not info.namespace:
            return info.verb in ("list", "watch")
        if kind.plural == "namespaces" and info.verb == "deletecollection":
            return False
        return info.verb in ("list", "watch", "create", "deletecollection")

    async def _subresource(self, ctx: Context, info: RequestInfo, kind: Kind) -> Response:
        sub = kind.subresource(info.subresource)
        if sub is None:
            # A custom resource has only the subresources its definition names.
            raise nothing_here() if kind.definition else errors.not_found(kind.group_resource, info.name)
        if info.verb not in sub.verbs:
            raise errors.method_not_allowed()
        handler = self.subresources.get((kind.group, kind.plural, sub.name)) or self.subresources.get(
            ("*", "*", sub.name)
        )
        if handler is None:
            raise nothing_here()
        if info.rest and sub.name != "proxy":
            raise nothing_here()
        return await handler(ctx, self._registry_of(kind))
