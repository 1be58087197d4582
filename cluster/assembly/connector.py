"""What the API server asks of nodes, answered by the kubelets of this process.

What is spoken over upgraded connections, and what proxies, is loaded with the first that asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.nodes import ExecOptions, LogOptions
from cluster.client.interface import Client
from cluster.kubelet import remote
from cluster.kubelet.kubelet import Kubelet
from cluster.kubelet.logs import Wanted
from cluster.meta.errors import Reason, StatusError, bad_request
from cluster.meta.objects import dig
from cluster.meta.types import Obj


class Connector:
    """See cluster.apiserver.nodes.NodeConnector. Kubelets are added as they start; `client` is asked
    for when a Service's endpoints are needed."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self.client = client
        self.kubelets: dict[str, Kubelet] = {}

    def _kubelet(self, pod: Obj) -> Kubelet:
        name = dig(pod, "spec", "nodeName", default="")
        found = self.kubelets.get(name)
        if found is None:
            raise StatusError(502, Reason.UNKNOWN, f"node {name} does not answer")
        return found

    async def logs(self, pod: Obj, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        wanted = Wanted(options.timestamps, _since(options), options.tail_lines, options.limit_bytes, options.stream)
        chunks = self._kubelet(pod).logs(pod, container, wanted, follow=options.follow, previous=options.previous)
        async for chunk in chunks:
            yield chunk

    async def exec(self, pod: Obj, options: ExecOptions, request: Request) -> Response:
        kubelet = self._kubelet(pod)
        status = await kubelet.container(pod, options.container, running=True)

        async def serve(messages: remote.Messages, wanted: remote.Wanted) -> None:
            await kubelet.exec(messages, status.id, options.command, wanted)

        from cluster.assembly.streaming import commanded

        return commanded(request, options, serve)

    async def attach(self, pod: Obj, options: ExecOptions, request: Request) -> Response:
        kubelet = self._kubelet(pod)
        if not kubelet.streams:
            raise _unsupported("attach to simulated containers")
        status = await kubelet.container(pod, options.container, running=True)
        about: Obj = next((c for c in pod["spec"]["containers"] if c["name"] == options.container), {})
        once = bool(about.get("stdinOnce"))

        async def serve(messages: remote.Messages, wanted: remote.Wanted) -> None:
            await kubelet.attach(messages, status.id, wanted, stdin_once=once)

        from cluster.assembly.streaming import commanded

        return commanded(request, options, serve)

    async def port_forward(self, pod: Obj, ports: tuple[int, ...], request: Request) -> Response:
        if not self._kubelet(pod).streams:
            raise _unsupported("port-forward to simulated containers")
        meta = pod["metadata"]
        # The runtime's word, not the status: that is written over the API.
        address = await self._kubelet(pod).address_of(pod)
        if dig(pod, "status", "phase") != "Running" or not address:
            raise bad_request(f"unable to forward port because pod is not running. Current status={_phase(pod)}")
        from cluster.assembly.streaming import forwarded

        return forwarded(request, ports, meta["name"], meta["uid"], address)

    async def proxy_pod(self, pod: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        kubelet = self._kubelet(pod)
        if not kubelet.streams:
            raise _unsupported("proxying to simulated pods")
        address = await kubelet.address_of(pod)
        from cluster.assembly import proxying

        return await proxying.forward(await proxying.endpoint_of_pod(pod, address, port, scheme), path, request)

    async def proxy_service(self, service: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        from cluster.assembly import proxying

        endpoint = await proxying.endpoint_of_service(self.client(), service, port, scheme, self._owns)
        return await proxying.forward(endpoint, path, request)

    async def proxy_node(self, node: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        raise _unsupported("proxying to nodes")

    async def _owns(self, address: str) -> bool:
        for kubelet in self.kubelets.values():
            if kubelet.streams and await kubelet.owns(address):
                return True
        return False


def _phase(pod: Obj) -> str:
    return str(dig(pod, "status", "phase", default="Pending"))


def _unsupported(what: str) -> StatusError:
    return StatusError(501, Reason.UNKNOWN, f"{what} is not supported by the nodes of this cluster yet")


def _since(options: LogOptions) -> str:
    """The earliest time to show, as log lines are stamped."""
    if options.since_time:
        at = datetime.fromisoformat(options.since_time).astimezone(UTC)
    elif options.since_seconds is not None:
        at = datetime.now(UTC) - timedelta(seconds=options.since_seconds)
    else:
        return ""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
