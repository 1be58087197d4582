"""The proxy subresources over HTTP: a client's request handed on to a pod, or to a ready endpoint of a Service.

Loopback addresses are refused like in any cluster, but for those that pods of this process really have: endpoints can
be written by users, and must not lead to whatever else listens on this machine.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address

from cluster.apiserver.http.messages import Connection, Headers, Request, Response, stream_of
from cluster.client.interface import Client
from cluster.machinery.resources import ENDPOINT_SLICES
from cluster.meta.errors import Reason, StatusError, bad_request
from cluster.meta.types import Obj
from cluster.network import httpforward

_ENDS_HERE = ("authorization", "host")
Owns = Callable[[str], Awaitable[bool]]


def unavailable(message: str) -> StatusError:
    return StatusError(503, Reason.SERVICE_UNAVAILABLE, message)


async def endpoint_of_pod(pod: Obj, address: str, port: str, scheme: str) -> httpforward.Endpoint:
    """`port` is a number, or empty for the first one the pod names. Raises StatusError 400."""
    ports = [p for c in pod["spec"]["containers"] for p in c.get("ports") or ()]
    number = port or (str(ports[0]["containerPort"]) if ports else "80" if scheme == "http" else "443")
    if not address:
        raise bad_request("address not allowed")
    if not number.isdigit() or not 0 < int(number) < 65536:
        raise bad_request(f"invalid pod request {pod['metadata']['name']!r}".replace("'", '"'))
    return httpforward.Endpoint(address, int(number), scheme == "https")


async def endpoint_of_service(client: Client, service: Obj, port: str, scheme: str, owns: Owns) -> httpforward.Endpoint:
    """A ready endpoint, by chance. Raises StatusError 503 where there is none, 400 for an address not to be used."""
    meta = service["metadata"]
    wanted = _port_name(service, port)
    selector = f"kubernetes.io/service-name={meta['name']}"
    slices = (await client.list(ENDPOINT_SLICES, meta["namespace"], label_selector=selector)).items
    found = [
        (address, number["port"])
        for each in slices
        for number in each.get("ports") or ()
        if (number.get("name") or "") == wanted and number.get("port")
        for end in each.get("endpoints") or ()
        if (end.get("conditions") or {}).get("ready", True)
        for address in end["addresses"][:1]
    ]
    if not found:
        raise unavailable(f'no endpoints available for service "{meta["name"]}"')
    address, number = random.choice(found)
    if not (_may_be_reached(address) or await owns(address)):
        raise bad_request("address not allowed")
    return httpforward.Endpoint(address, number, scheme == "https")


def _port_name(service: Obj, port: str) -> str:
    if not port.isdigit():
        return port
    for each in service["spec"].get("ports") or ():
        if each["port"] == int(port):
            return str(each.get("name") or "")
    raise unavailable(f'no service port {port} found for service "{service["metadata"]["name"]}"')


def _may_be_reached(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified)


async def forward(endpoint: httpforward.Endpoint, path: str, request: Request) -> Response:
    """The endpoint's answer to the request. Raises StatusError 503 where it gives none."""
    query = f"?{request.query}" if request.query else ""
    if path == "/" and not request.path.endswith("/") and request.method in ("GET", "HEAD"):
        return Response(301, content_type="", headers=[("Location", f"{request.path}/{query}")])
    headers = {name: value for name, value in request.headers.items() if name not in _ENDS_HERE}
    headers = {"host": f"{endpoint.address}:{endpoint.port}", **headers, "x-forwarded-for": request.peer}
    headers["x-forwarded-uri"] = request.path
    try:
        if "upgrade" in headers:
            return await _upgraded(endpoint, path + query, headers, request)
        answer = await httpforward.send(endpoint, request.method, path + query, headers, request.body)
    except httpforward.NoAnswer as error:
        raise unavailable(f"error trying to reach service: {error}") from error
    return await _passed_on(answer, request, path)


async def _passed_on(answer: httpforward.Answer, request: Request, path: str) -> Response:
    named = {"content-type", "content-length", "date"}
    kept: Headers = [(name, value) for name, value in answer.headers if name.lower() not in named]
    prefix = request.path.removesuffix(path)
    kept = [(n, prefix + v if n.lower() == "location" and v.startswith("/") else v) for n, v in kept]
    media = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
    if request.method == "HEAD" or answer.status in (204, 304):
        async for _ in answer.chunks:
            pass
        return Response(answer.status, content_type=media, headers=kept)
    return Response(answer.status, content_type=media, headers=kept, stream=stream_of(answer.chunks))


async def _upgraded(endpoint: httpforward.Endpoint, target: str, headers: dict[str, str], request: Request) -> Response:
    """The endpoint decides on the upgrade: its own answer goes back as it is, and all that follows."""
    reader, writer = await endpoint.dial()
    writer.write(httpforward.head_of(request.method, target, headers, len(request.body), upgrade=True) + request.body)

    async def take_over(connection: Connection) -> None:
        up = asyncio.ensure_future(_relay(connection.read, writer))
        try:
            async for block in _blocks(reader):
                connection.write(block)
                await connection.drain()
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    return Response(101, takeover=take_over)


async def _blocks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    with suppress(OSError):
        while block := await reader.read(64 * 1024):
            yield block


async def _relay(read: Callable[[], Awaitable[bytes]], writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await read():
            writer.write(block)
            await writer.drain()
