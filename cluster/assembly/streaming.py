"""Connections that a client upgrades to speak with a container or a port, over WebSocket or SPDY.

It must not know which kubelet serves them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from cluster.apiserver.http.messages import Connection, Request, Response
from cluster.apiserver.nodes import ExecOptions
from cluster.kubelet import channels, portforward, remote, upgrade, websocket
from cluster.kubelet.spdy import Session
from cluster.kubelet.streams import SpdyMessages
from cluster.meta.errors import bad_request

Serve = Callable[[remote.Messages, remote.Wanted], Awaitable[None]]


def commanded(request: Request, options: ExecOptions, serve: Serve) -> Response:
    """Hand the connection over to what speaks in channels, whichever protocol carries them. Raises StatusError 400."""
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


def forwarded(request: Request, ports: tuple[int, ...], pod: str, uid: str, address: str) -> Response:
    """Connections to ports of a pod. Raises StatusError 400."""
    target = portforward.Target(pod, uid, address)
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


def _agree(request: Request, over_websocket: Sequence[str], over_spdy: Sequence[str]) -> upgrade.Upgrade:
    try:
        return upgrade.agree(request.headers, over_websocket, over_spdy)
    except websocket.NotWebSocket as refusal:
        raise bad_request(str(refusal)) from refusal
