"""What the API server asks of nodes and Services: the subresources that only a kubelet or a network can answer.

The process hands in an implementation; without one these subresources answer 503. Nothing here knows a runtime.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from cluster.apiserver.http.messages import Request, Response
from cluster.meta.types import Obj


@dataclass(frozen=True, slots=True)
class LogOptions:
    """PodLogOptions. None where the client said nothing; times are RFC 3339."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since_seconds: int | None = None
    since_time: str = ""
    tail_lines: int | None = None
    limit_bytes: int | None = None
    stream: str = "All"


@dataclass(frozen=True, slots=True)
class ExecOptions:
    """PodExecOptions and PodAttachOptions; `command` is empty for attach."""

    container: str
    command: tuple[str, ...] = ()
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


class NodeConnector(Protocol):
    """Every call may raise StatusError (404 no such container, 400 container not started, 502 node away).

    Calls that upgrade the connection get the request and answer with a Response whose `takeover` speaks the
    protocol asked for (WebSocket or SPDY), or with an error.
    """

    def logs(self, pod: Obj, container: str, options: LogOptions) -> AsyncIterator[bytes]: ...

    async def exec(self, pod: Obj, options: ExecOptions, request: Request) -> Response: ...

    async def attach(self, pod: Obj, options: ExecOptions, request: Request) -> Response: ...

    async def port_forward(self, pod: Obj, ports: tuple[int, ...], request: Request) -> Response: ...

    async def proxy_pod(self, pod: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        """Forward an HTTP request to a pod; `port` is a number or empty (the first container port)."""
        ...

    async def proxy_service(self, service: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        """Forward to a ready endpoint of a Service; `port` is a number, a name or empty."""
        ...

    async def proxy_node(self, node: Obj, port: str, scheme: str, path: str, request: Request) -> Response:
        """Forward to the kubelet of a node (metrics, stats, logs)."""
        ...


@dataclass(frozen=True, slots=True)
class Proxied:
    """`NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`, as the proxy subresources spell their target."""

    name: str
    port: str = ""
    scheme: str = field(default="http")

    @classmethod
    def parse(cls, text: str) -> Proxied:
        parts = text.split(":")
        if len(parts) == 3:
            return cls(parts[1], parts[2], parts[0] or "http")
        return cls(parts[0], parts[1] if len(parts) == 2 else "")
