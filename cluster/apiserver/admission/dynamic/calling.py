"""Asking a webhook over HTTPS: where it listens, which certificate it must show, and how failures are told."""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from cluster.apiserver.admission.interface import Objects
from cluster.apiserver.service_endpoints import Unresolved, resolve
from cluster.client.endpoint import BadBundle, Endpoint, NoAnswer, trusting
from cluster.client.httpforward import Connections
from cluster.meta.gojson import kind_of
from cluster.meta.types import Obj

_HEADERS = (
    ("accept", "application/json, */*"),
    ("content-type", "application/json"),
    ("user-agent", "kube-apiserver-admission"),
)
_LIMIT = 3 * 1024 * 1024


class CallFailed(Exception):
    """The webhook could not be asked; the text says why, as the API server would of an admission webhook. `why` is
    the reason alone."""

    def __init__(self, why: str) -> None:
        super().__init__(f"failed to call webhook: {why}")
        self.why = why


LATE = "context deadline exceeded"


class Caller:
    """Asks the webhooks of one server, over connections that are kept between calls."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._connections = Connections()

    async def ask(self, config: Obj, body: Obj, timeout: float, late: str = LATE) -> Any:
        """POST a review and return the decoded answer; `late` is what is said of one that takes too long. Raises
        CallFailed."""
        host, path, shown = _target(config)
        asked = f"timeout={timeout:g}s"
        join = "&" if "?" in path else "?"
        shown = f'Post "{shown}{join}{asked}"'
        headers = [("host", host), *_HEADERS]
        try:
            async with asyncio.timeout(timeout):
                data = orjson.dumps(body, default=dict)
                endpoint = self._endpoint(config)
                answer = await self._connections.send(endpoint, "POST", f"{path}{join}{asked}", headers, data)
                content = await answer.body()
        except TimeoutError:
            raise CallFailed(f"{shown}: {late}") from None
        except (NoAnswer, Unresolved) as error:
            raise CallFailed(f"{shown}: {error}") from None
        said = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
        if not 200 <= answer.status <= 206 or len(content) > _LIMIT:
            raise CallFailed(_refusal(answer.status, said, content))
        return _decoded(answer.status, said, content)

    def _endpoint(self, config: Obj) -> Endpoint:
        """Raises CallFailed, Unresolved."""
        trust = _trust(config.get("caBundle") or "")
        if config.get("url"):
            parts = urlsplit(config["url"])
            return Endpoint(parts.hostname or "", parts.port or 443, trust)
        service = config.get("service") or {}
        namespace, name = service["namespace"], service["name"]
        address, port = resolve(self._objects, namespace, name, service.get("port") or 443)
        return Endpoint(address, port, trust, f"{name}.{namespace}.svc")

    def close(self) -> None:
        """End the connections that are kept."""
        self._connections.close()


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


@lru_cache(maxsize=64)
def _trust(bundle: str) -> ssl.SSLContext:
    try:
        return trusting(bundle)
    except BadBundle as error:
        raise CallFailed(str(error)) from None


def _target(config: Obj) -> tuple[str, str, str]:
    """The host it is asked for as, path and query, and the address as it is shown."""
    if config.get("url"):
        parts = urlsplit(config["url"])
        shown = config["url"] if parts.path else config["url"] + "/"
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        return parts.netloc.rpartition("@")[2], path, shown
    service = config.get("service") or {}
    port = service.get("port") or 443
    host, path = f"{service['name']}.{service['namespace']}.svc:{port}", service.get("path") or "/"
    return host, path, f"https://{host}{path}"
