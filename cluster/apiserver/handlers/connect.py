"""Subresources that a node answers: the pod or node is looked up here, the rest is the NodeConnector's."""

from __future__ import annotations

from cluster.apiserver.handlers import connecting
from cluster.apiserver.handlers.connecting import admitted
from cluster.apiserver.http.messages import Response, stream_of
from cluster.apiserver.nodes import ExecOptions, LogOptions, NodeConnector, Proxied
from cluster.apiserver.registry.options import integer
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context, Query
from cluster.meta import errors
from cluster.meta.errors import Cause, Reason, StatusError
from cluster.meta.objects import dig
from cluster.meta.types import GroupResource, Obj

_SLICES = GroupResource("discovery.k8s.io", "endpointslices")
_SERVICE_NAME = "kubernetes.io/service-name"


class Connect:
    """Handlers of log, exec, attach, portforward and proxy. `connector` may be set later (the kubelet starts after)."""

    def __init__(self, connector: NodeConnector | None) -> None:
        self.connector = connector

    async def log(self, ctx: Context, registry: Registry) -> Response:
        options = _log_options(ctx.query, ctx.info.name)
        pod = self._pod(ctx, registry)
        container = _container(pod, ctx.query.get("container"))
        node = dig(pod, "spec", "nodeName")
        if not node:
            return Response(204, content_type="")
        if registry.services.feed.get(GroupResource("", "nodes"), "", node) is None:
            raise errors.not_found(GroupResource("", "pods"), node)
        chunks = self._node().logs(pod, container, options)
        first = await anext(chunks, b"")
        return Response(200, content_type="text/plain", stream=stream_of(_rejoined(first, chunks)))

    async def exec(self, ctx: Context, registry: Registry) -> Response:
        asked = await admitted(ctx, registry)
        pod = self._pod(ctx, registry)
        options = _exec_options(asked, _container(pod, asked.get("container") or ""))
        _must_have_node(pod)
        return await self._node().exec(pod, options, ctx.request)

    async def attach(self, ctx: Context, registry: Registry) -> Response:
        asked = await admitted(ctx, registry)
        pod = self._pod(ctx, registry)
        options = _exec_options(asked, _container(pod, asked.get("container") or ""))
        _must_have_node(pod)
        return await self._node().attach(pod, options, ctx.request)

    async def port_forward(self, ctx: Context, registry: Registry) -> Response:
        asked = await admitted(ctx, registry)
        pod = self._pod(ctx, registry)
        _must_have_node(pod)
        return await self._node().port_forward(pod, tuple(asked.get("ports") or ()), ctx.request)

    async def proxy(self, ctx: Context, registry: Registry) -> Response:
        asked = await admitted(ctx, registry)
        target = Proxied.parse(ctx.info.name)
        entry = registry.cache.get(ctx.info.namespace, target.name)
        if entry is None:
            raise registry.not_found(target.name)
        if registry.kind.plural == "pods" and not dig(entry.obj, "status", "podIP"):
            raise errors.bad_request("address not allowed")
        if registry.kind.plural == "services" and not _has_endpoints(registry, entry.obj):
            raise registry.not_found(target.name)
        node = self._node()
        proxy = {"pods": node.proxy_pod, "services": node.proxy_service, "nodes": node.proxy_node}[registry.kind.plural]
        return await proxy(entry.obj, target.port, target.scheme, _below(ctx, asked), ctx.request)

    def _node(self) -> NodeConnector:
        if self.connector is None:
            raise StatusError(503, Reason.SERVICE_UNAVAILABLE, "this server is connected to no nodes")
        return self.connector

    @staticmethod
    def _pod(ctx: Context, registry: Registry) -> Obj:
        entry = registry.cache.get(ctx.info.namespace, ctx.info.name)
        if entry is None:
            raise registry.not_found(ctx.info.name)
        return entry.obj


async def _rejoined(first: bytes, rest):  # type: ignore[no-untyped-def]
    if first:
        yield first
    async for chunk in rest:
        yield chunk


def _has_endpoints(registry: Registry, service: Obj) -> bool:
    """Whether anything has said where the Service leads."""
    meta = service["metadata"]
    slices = registry.services.feed.all(_SLICES, meta["namespace"])
    return any((s["metadata"].get("labels") or {}).get(_SERVICE_NAME) == meta["name"] for s in slices)


def _below(ctx: Context, asked: Obj) -> str:
    """The path to ask for. As it was sent, since what is escaped must stay so on its way into another request, unless
    admission has chosen another."""
    if (asked.get("path") or "") != (connecting.path(ctx).get("path") or ""):
        return str(asked.get("path") or "/")
    sent = ctx.request.path.strip("/").split("/")
    path = "/" + "/".join(sent[len(sent) - len(ctx.info.rest) :])
    return f"{path}/" if ctx.request.path.endswith("/") and not path.endswith("/") else path


def _must_have_node(pod: Obj) -> None:
    if not dig(pod, "spec", "nodeName"):
        raise errors.bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")


def _container(pod: Obj, asked: str) -> str:
    """The container meant. Raises 400."""
    names = {
        field: [c["name"] for c in dig(pod, "spec", field, default=[])]
        for field in ("containers", "initContainers", "ephemeralContainers")
    }
    name = pod["metadata"]["name"]
    if asked:
        if not any(asked in held for held in names.values()):
            raise errors.bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    mains = names["containers"]
    if len(mains) == 1:
        return str(mains[0])
    if not mains:
        raise errors.bad_request(f"a container name must be specified for pod {name}")
    default = dig(pod, "metadata", "annotations", "kubectl.kubernetes.io/default-container")
    if default in mains:
        return str(default)
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(mains)}]"
    if names["initContainers"]:
        text += f" or one of the init containers: [{' '.join(names['initContainers'])}]"
    raise errors.bad_request(text)


def _exec_options(asked: Obj, container: str) -> ExecOptions:
    stdin, stdout, stderr, tty = (asked.get(name) is True for name in ("stdin", "stdout", "stderr", "tty"))
    return ExecOptions(container, tuple(asked.get("command") or ()), stdin, stdout, stderr, tty)


def _log_options(query: Query, pod: str) -> LogOptions:
    def number(name: str) -> int | None:
        return integer(query.get(name)) if query.get(name) else None

    options = LogOptions(
        query.flag("follow"),
        query.flag("previous"),
        query.flag("timestamps"),
        number("sinceSeconds"),
        query.get("sinceTime"),
        number("tailLines"),
        number("limitBytes"),
        query.get("stream") or "All",
    )
    causes = _log_faults(options)
    if causes:
        raise errors.invalid(("", "PodLogOptions"), pod, causes)
    return options


def _log_faults(o: LogOptions) -> list[Cause]:
    causes = []
    if o.tail_lines is not None and o.tail_lines < 0:
        text = f"Invalid value: {o.tail_lines}: must be greater than or equal to 0"
        causes.append(Cause("FieldValueInvalid", text, "tailLines"))
    if o.limit_bytes is not None and o.limit_bytes < 1:
        causes.append(
            Cause("FieldValueInvalid", f"Invalid value: {o.limit_bytes}: must be greater than 0", "limitBytes")
        )
    if o.since_seconds is not None and o.since_time:
        text = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        causes.append(Cause("FieldValueForbidden", text, "sinceSeconds"))
    elif o.since_seconds is not None and o.since_seconds < 1:
        text = f"Invalid value: {o.since_seconds}: must be greater than 0"
        causes.append(Cause("FieldValueInvalid", text, "sinceSeconds"))
    return causes
