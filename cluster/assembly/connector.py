"""What the API server asks of nodes, answered by the kubelets of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from cluster.apiserver.http.messages import Connection, Request, Response
from cluster.apiserver.nodes import ExecOptions, LogOptions
from cluster.assembly import proxying
from cluster.client.interface import Client
from cluster.kubelet import channels, portforward, remote, upgrade, websocket
from cluster.kubelet.kubelet import Kubelet
from cluster.kubelet.logs import Wanted
from cluster.kubelet.spdy import Session
from cluster.kubelet.streams import SpdyMessages
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

        return _messages(request, options, serve)

    async def attach(self, pod: Obj, options: ExecOptions, request: Request) -> Response:
        kubelet = self._kubelet(pod)
        if not kubelet.streams:
            raise _unsupported("attach to simulated containers")
        status = await kubelet.container(pod, options.container, running=True)
        about: Obj = next((c for c in pod["spec"]["containers"] if c["name"] == options.container), {})
        once = bool(about.get("stdinOnce"))

        async def serve(messages: remote.Messages, wanted: remote.Wanted) -> None:
            await kubelet.attach(messages, status.id, wanted, stdin_once=once)

        return _messages(request, options, serve)

    async def port_forward(self, pod: Obj, ports: tuple[int, ...], request: Request) -> Response:
        if not self._kubelet(pod).streams:
            raise _unsupported("port-forward to simulated containers")
        meta = pod["metadata"]
        # The runtime's word, not the status: that is written over the API.
        address = await self._kubelet(pod).address_of(pod)
        if dig(pod, "status", "phase") != "Running" or not address:
            raise bad_request(f"unable to forward port because pod is not running. Current status={_phase(pod)}")
        target = portforward.Target(meta["name"], meta["uid"], address)
        spoken = (portforward.TUNNEL_PROTOCOL, *channels.PORTS)
        agreed = _agree(request, spoken, (portforward.SPDY_PROTOCOL,))

        async def take_over(connection: Connection) -> None:
            connection.write(agreed.head)
            if agreed.spdy:
                await portforward.over_spdy(Session(connection), target)
                return
            socket = websocket.WebSocket(connection)
            if agreed.protocol == portforward.TUNNEL_PROTOCOL:
                await portforward.over_spdy(Session(websocket.Tunnel(socket)), target)
            else:
                await portforward.over_channels(channels.Channels(socket, agreed.protocol), ports, target)

        return Response(101, takeover=take_over)

    async def proxy_pod(self, pod: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        kubelet = self._kubelet(pod)
        if not kubelet.streams:
            raise _unsupported("proxying to simulated pods")
        address = await kubelet.address_of(pod)
        return await proxying.forward(await proxying.endpoint_of_pod(pod, address, port, scheme), path, request)

    async def proxy_service(self, service: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        endpoint = await proxying.endpoint_of_service(self.client(), service, port, scheme, self._owns)
        return await proxying.forward(endpoint, path, request)

    async def proxy_node(self, node: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        raise _unsupported("proxying to nodes")

    async def _owns(self, address: str) -> bool:
        for kubelet in self.kubelets.values():
            if kubelet.streams and await kubelet.owns(address):
                return True
        return False


Serve = Callable[[remote.Messages, remote.Wanted], Awaitable[None]]


def _messages(request: Request, options: ExecOptions, serve: Serve) -> Response:
    """Hand the connection over to what speaks in channels, whichever protocol carries them."""
    agreed = _agree(request, channels.COMMANDS, remote.SPOKEN_SPDY)
    wanted = remote.Wanted(options.stdin, options.stdout, options.stderr, options.tty)

    async def take_over(connection: Connection) -> None:
        connection.write(agreed.head)
        if not agreed.spdy:
            socket = websocket.WebSocket(connection)
            await serve(channels.Channels(socket, agreed.protocol, outcomes=True), wanted)
            return
        messages = SpdyMessages(Session(connection))
        try:
            if await messages.open(wanted.streams):
                await serve(messages, wanted)
                await connection.drain()
        finally:
            await messages.stop()

    return Response(101, takeover=take_over)


def _agree(request: Request, over_websocket: Sequence[str], over_spdy: Sequence[str]) -> upgrade.Upgrade:
    try:
        return upgrade.agree(request.headers, over_websocket, over_spdy)
    except websocket.NotWebSocket as refusal:
        raise bad_request(str(refusal)) from refusal


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
