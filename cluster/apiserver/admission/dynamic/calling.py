"""Asking a webhook over HTTPS: where it listens, which certificate it must show, and how failures are told."""

from __future__ import annotations

import base64
import ssl
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from cluster.apiserver.admission.interface import Objects
from cluster.meta.types import GroupResource, Obj

_SERVICES = GroupResource("", "services")
_SLICES = GroupResource("discovery.k8s.io", "endpointslices")
_LIMIT = 3 * 1024 * 1024


class CallFailed(Exception):
    """The webhook could not be asked; the text says why, as the API server would."""


async def ask(config: Obj, body: Obj, timeout: float, objects: Objects) -> Any:
    """POST a review and return the decoded answer. Raises CallFailed."""
    import httpx

    target, host, shown = _target(config, objects)
    seconds = f"{timeout:g}s"
    headers = {"Content-Type": "application/json", "Accept": "application/json, */*", "Host": host}
    request: dict[str, Any] = {"headers": headers, "extensions": {"sni_hostname": urlsplit(f"//{host}").hostname}}
    try:
        async with httpx.AsyncClient(
            verify=_trust(config.get("caBundle") or ""), timeout=timeout, trust_env=False
        ) as http:
            answer = await http.post(
                target, params={"timeout": seconds}, content=orjson.dumps(body, default=dict), **request
            )
    except httpx.TimeoutException:
        raise CallFailed(
            f'failed to call webhook: Post "{shown}?timeout={seconds}": context deadline exceeded'
        ) from None
    except (httpx.HTTPError, ssl.SSLError, OSError) as error:
        why = _why(error, target)
        raise CallFailed(f'failed to call webhook: Post "{shown}?timeout={seconds}": {why}') from None
    if answer.status_code != 200 or len(answer.content) > _LIMIT:
        text = answer.text[:1024]
        words = f"an error on the server ({orjson.dumps(text).decode()}) has prevented the request from succeeding"
        raise CallFailed(f"failed to call webhook: {words}")
    try:
        return orjson.loads(answer.content)
    except ValueError as error:
        raise CallFailed(f"failed to call webhook: couldn't decode the answer: {error}") from None


def _why(error: Exception, target: str) -> str:
    if "CERTIFICATE" in str(error).upper():
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    parts = urlsplit(target)
    if "refused" in str(error) or "connect" in type(error).__name__.lower():
        return f"dial tcp {parts.hostname}:{parts.port or 443}: connect: connection refused"
    return str(error) or type(error).__name__


@lru_cache(maxsize=32)
def _trust(bundle: str) -> ssl.SSLContext:
    if not bundle:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=base64.b64decode(bundle).decode())
    except (ValueError, ssl.SSLError):
        raise CallFailed(
            "failed to call webhook: unable to load root certificates: unable to parse bytes as PEM block"
        ) from None


def _target(config: Obj, objects: Objects) -> tuple[str, str, str]:
    """The address to connect to, the host it is asked for as, and the address as it is shown."""
    if config.get("url"):
        parts = urlsplit(config["url"])
        shown = config["url"] if parts.path else config["url"] + "/"
        return str(config["url"]), parts.netloc.rpartition("@")[2], shown
    service = config.get("service") or {}
    namespace, name, port = service["namespace"], service["name"], service.get("port") or 443
    host, path = f"{name}.{namespace}.svc", service.get("path") or "/"
    shown = urlunsplit(("https", f"{host}:{port}", path, "", ""))
    address = _endpoint(namespace, name, port, objects)
    return urlunsplit(("https", address, path, "", "")), f"{host}:{port}", shown


def _endpoint(namespace: str, name: str, port: int, objects: Objects) -> str:
    """Address and port of a ready endpoint of a Service."""
    service = objects.get(_SERVICES, namespace, name)
    if service is None:
        raise CallFailed(f'failed to call webhook: service "{name}" not found')
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return f"{spec.get('externalName')}:{port}"
    wanted = next((p for p in spec.get("ports") or () if p.get("port") == port), None)
    if wanted is None:
        raise CallFailed(f'failed to call webhook: no service port {port} found for service "{name}"')
    for piece in objects.all(_SLICES, namespace):
        if (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") != name:
            continue
        found = next((p["port"] for p in piece.get("ports") or () if p.get("name", "") == wanted.get("name", "")), None)
        for endpoint in piece.get("endpoints") or ():
            if found is not None and (endpoint.get("conditions") or {}).get("ready", True):
                address = endpoint["addresses"][0]
                return f"[{address}]:{found}" if ":" in address else f"{address}:{found}"
    raise CallFailed(f'failed to call webhook: no endpoints available for service "{name}"')
