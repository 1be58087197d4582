"""What the API server asks of nodes, answered by the kubelets of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from cluster.apiserver.http.messages import Connection, Request, Response
from cluster.apiserver.nodes import ExecOptions, LogOptions
from cluster.kubelet import remote, websocket
from cluster.kubelet.kubelet import Kubelet
from cluster.kubelet.logs import Wanted
from cluster.meta.errors import Reason, StatusError, bad_request
from cluster.meta.objects import dig
from cluster.meta.types import Obj


class Connector:
    """See cluster.apiserver.nodes.NodeConnector. Kubelets are added as they start."""

    def __init__(self) -> None:
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
        try:
            protocol = websocket.choose(request.headers, remote.SPOKEN)
        except websocket.NotWebSocket as refusal:
            raise bad_request(str(refusal)) from refusal
        wanted = remote.Wanted(options.stdin, options.stdout, options.stderr, options.tty)

        async def take_over(connection: Connection) -> None:
            connection.write(websocket.handshake(request.headers, protocol))
            await kubelet.exec(websocket.WebSocket(connection), status.id, options.command, wanted)

        return Response(101, takeover=take_over)

    async def attach(self, pod: Obj, options: ExecOptions, request: Request) -> Response:
        raise _unsupported("attach")

    async def port_forward(self, pod: Obj, ports: tuple[int, ...], request: Request) -> Response:
        raise _unsupported("port-forward")

    async def proxy_pod(self, pod: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        raise _unsupported("proxying to pods")

    async def proxy_service(self, service: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        raise _unsupported("proxying to services")

    async def proxy_node(self, node: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        raise _unsupported("proxying to nodes")


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
