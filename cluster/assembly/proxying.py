"""The proxy subresources over HTTP: a client's request handed on to a pod, or to a ready endpoint of a Service.

Loopback addresses are refused like in any cluster, but for those that pods of this process really have: endpoints can
be written by users, and must not lead to whatever else listens on this machine.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from cluster.apiserver.http import forwarding
from cluster.apiserver.http.messages import Request, Response
from cluster.client.endpoint import Endpoint, NoAnswer, unchecked
from cluster.client.interface import Client
from cluster.machinery.resources import ENDPOINT_SLICES
from cluster.meta.errors import Reason, StatusError, bad_request
from cluster.meta.types import Obj

Owns = Callable[[str], Awaitable[bool]]


def unavailable(message: str) -> StatusError:
    return StatusError(503, Reason.SERVICE_UNAVAILABLE, message)


async def endpoint_of_pod(pod: Obj, address: str, port: str, scheme: str) -> Endpoint:
    """`port` is a number, or empty for the first one the pod names. Raises StatusError 400."""
    ports = [p for c in pod["spec"]["containers"] for p in c.get("ports") or ()]
    number = port or (str(ports[0]["containerPort"]) if ports else "80" if scheme == "http" else "443")
    if not address:
        raise bad_request("address not allowed")
    if not number.isdigit() or not 0 < int(number) < 65536:
        raise bad_request(f"invalid pod request {pod['metadata']['name']!r}".replace("'", '"'))
    return Endpoint(address, int(number), _tls(scheme))


async def endpoint_of_service(client: Client, service: Obj, port: str, scheme: str, owns: Owns) -> Endpoint:
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
    return Endpoint(address, number, _tls(scheme))


def _tls(scheme: str) -> ssl.SSLContext | None:
    """Certificates of pods are not checked: nobody signs them."""
    return unchecked() if scheme == "https" else None


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


async def forward(endpoint: Endpoint, path: str, request: Request) -> Response:
    """The endpoint's answer to the request. Raises StatusError 503 where it gives none."""
    query = f"?{request.query}" if request.query else ""
    if path == "/" and not request.path.endswith("/") and request.method in ("GET", "HEAD"):
        return Response(301, content_type="", headers=[("Location", f"{request.path}/{query}")])
    headers = [*forwarding.onward(request, endpoint), ("x-forwarded-uri", request.path)]
    try:
        response = await forwarding.forward(endpoint, path + query, headers, request)
    except NoAnswer as error:
        raise unavailable(f"error trying to reach service: {error}") from error
    prefix = request.path.removesuffix(path)
    response.headers = [
        (n, prefix + v if n.lower() == "location" and v.startswith("/") else v) for n, v in response.headers
    ]
    return response
