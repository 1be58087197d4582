"""Asking a webhook over HTTPS: where it listens, which certificate it must show, and how failures are told."""

from __future__ import annotations

import base64
import ssl
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from cluster.apiserver.admission.interface import Objects
from cluster.meta.gojson import kind_of
from cluster.meta.types import GroupResource, Obj

_SERVICES = GroupResource("", "services")
_SLICES = GroupResource("discovery.k8s.io", "endpointslices")
_LIMIT = 3 * 1024 * 1024


class CallFailed(Exception):
    """The webhook could not be asked; the text says why, as the API server would of an admission webhook. `why` is
    the reason alone."""

    def __init__(self, why: str) -> None:
        super().__init__(f"failed to call webhook: {why}")
        self.why = why


LATE = "context deadline exceeded"


async def ask(config: Obj, body: Obj, timeout: float, objects: Objects, late: str = LATE) -> Any:
    """POST a review and return the decoded answer; `late` is what is said of one that takes too long. Raises
    CallFailed."""
    import httpx

    target, host, shown = _target(config)
    seconds = f"{timeout:g}s"
    shown = f'Post "{shown}?timeout={seconds}"'
    headers = {"Content-Type": "application/json", "Accept": "application/json, */*", "Host": host}
    headers["User-Agent"] = "kube-apiserver-admission"
    request: dict[str, Any] = {"headers": headers, "extensions": {"sni_hostname": urlsplit(f"//{host}").hostname}}
    trust = _trust(config.get("caBundle") or "")
    try:
        if config.get("service"):
            target = urlunsplit(("https", _address(config["service"], objects), urlsplit(target).path, "", ""))
        async with httpx.AsyncClient(verify=trust, timeout=timeout, trust_env=False) as http:
            answer = await http.post(
                target, params={"timeout": seconds}, content=orjson.dumps(body, default=dict), **request
            )
    except LookupError as error:
        raise CallFailed(f"{shown}: {error.args[0]}") from None
    except httpx.TimeoutException:
        raise CallFailed(f"{shown}: {late}") from None
    except (httpx.HTTPError, ssl.SSLError, OSError) as error:
        raise CallFailed(f"{shown}: {_why(error, target)}") from None
    if not 200 <= answer.status_code <= 206 or len(answer.content) > _LIMIT:
        raise CallFailed(_refusal(answer.status_code, answer.headers.get("content-type", ""), answer.content))
    return _decoded(answer.status_code, answer.headers.get("content-type", ""), answer.content)


def _decoded(status: int, content_type: str, content: bytes) -> Any:
    if not content:
        raise CallFailed(f"0-length response with status code: {status} and content type: {content_type}")
    try:
        found = orjson.loads(content)
    except ValueError:
        found = ""
    if not isinstance(found, dict):
        raise CallFailed(
            f"couldn't get version/kind; json parse error: json: cannot unmarshal {kind_of(found)} into Go value of "
            'type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string '
            '"json:\\"kind,omitempty\\"" }'
        )
    return found


_ANSWERS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


def _refusal(status: int, content_type: str, content: bytes) -> str:
    """How client-go words an answer that is no success: a Status speaks for itself, other texts are quoted."""
    try:
        found = orjson.loads(content)
    except ValueError:
        found = None
    if isinstance(found, dict) and found.get("kind") == "Status" and found.get("message"):
        return str(found["message"])
    plain = not content_type or content_type.startswith("text/")
    said = content[:2048].decode(errors="replace").strip() if plain and content else "unknown"
    if status in (403, 406, 415):
        return said
    if status in _ANSWERS:
        return _ANSWERS[status]
    if status < 500:
        return f"the server responded with the status code {status} but did not return more information"
    return f"an error on the server ({orjson.dumps(said).decode()}) has prevented the request from succeeding"


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
        raise CallFailed("unable to load root certificates: unable to parse bytes as PEM block") from None


def _target(config: Obj) -> tuple[str, str, str]:
    """The address to connect to, the host it is asked for as, and the address as it is shown."""
    if config.get("url"):
        parts = urlsplit(config["url"])
        shown = config["url"] if parts.path else config["url"] + "/"
        return str(config["url"]), parts.netloc.rpartition("@")[2], shown
    service = config.get("service") or {}
    port = service.get("port") or 443
    host, path = f"{service['name']}.{service['namespace']}.svc", service.get("path") or "/"
    shown = urlunsplit(("https", f"{host}:{port}", path, "", ""))
    return shown, f"{host}:{port}", shown


def _address(service: Obj, objects: Objects) -> str:
    return _endpoint(service["namespace"], service["name"], service.get("port") or 443, objects)


def _endpoint(namespace: str, name: str, port: int, objects: Objects) -> str:
    """Address and port of a ready endpoint of a Service. Raises LookupError."""
    service = objects.get(_SERVICES, namespace, name)
    if service is None:
        raise LookupError(f'service "{name}" not found')
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return f"{spec.get('externalName')}:{port}"
    wanted = next((p for p in spec.get("ports") or () if p.get("port") == port), None)
    if wanted is None:
        raise LookupError(f'no service port {port} found for service "{name}"')
    for piece in objects.all(_SLICES, namespace):
        if (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") != name:
            continue
        found = next((p["port"] for p in piece.get("ports") or () if p.get("name", "") == wanted.get("name", "")), None)
        for endpoint in piece.get("endpoints") or ():
            if found is not None and (endpoint.get("conditions") or {}).get("ready", True):
                address = endpoint["addresses"][0]
                return f"[{address}]:{found}" if ":" in address else f"{address}:{found}"
    raise LookupError(f'no endpoints available for service "{name}"')
