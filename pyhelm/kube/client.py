"""One HTTP client for one API server: verbs on paths, errors translated once.

Knows HTTP and the Status shape, nothing of releases. Objects are the wire dicts.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from pyhelm.errors import KubeError
from pyhelm.kube import credentials
from pyhelm.kube.kubeconfig import Access

FIELD_MANAGER = "helm"
JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"

Params = Mapping[str, str | int | bool | None]


class KubeClient:
    """Requests to one API server. `transport` replaces the network in tests."""

    def __init__(
        self,
        access: Access,
        *,
        environ: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        user_agent: str = "pyhelm",
    ) -> None:
        self.access = access
        self._environ = dict(environ or {})
        self._transport = transport
        self._user_agent = user_agent
        self._http: httpx.AsyncClient | None = None

    def copy(self) -> KubeClient:
        """Another client for the same server, for use in another event loop."""
        return KubeClient(
            self.access, environ=self._environ, transport=self._transport, user_agent=self._user_agent
        )

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def __aenter__(self) -> KubeClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get(self, path: str, **params: str | int | bool | None) -> dict[str, Any]:
        """The object at `path`. Raises KubeError (404 for what is not there)."""
        return await self.request("GET", path, params=params)

    async def find(self, path: str) -> dict[str, Any] | None:
        """The object at `path`, None where there is none."""
        try:
            return await self.get(path)
        except KubeError as error:
            if error.code == 404:
                return None
            raise

    async def list(self, path: str, **params: str | int | bool | None) -> list[dict[str, Any]]:
        """All items, page by page; each item carries the list's apiVersion and kind."""
        items: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            page = await self.get(path, **{"limit": 500, **params, "continue": token})
            items.extend(page.get("items") or [])
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return items

    async def create(self, path: str, body: Mapping[str, Any], **params: str | int | bool | None) -> dict[str, Any]:
        return await self.request("POST", path, body=body, params={"fieldManager": FIELD_MANAGER, **params})

    async def replace(self, path: str, body: Mapping[str, Any], **params: str | int | bool | None) -> dict[str, Any]:
        return await self.request("PUT", path, body=body, params={"fieldManager": FIELD_MANAGER, **params})

    async def patch(
        self, path: str, body: Any, content_type: str, **params: str | int | bool | None
    ) -> dict[str, Any]:
        query = {"fieldManager": FIELD_MANAGER, **params}
        return await self.request("PATCH", path, body=body, content_type=content_type, params=query)

    async def delete(
        self, path: str, propagation: str = "Background", **params: str | int | bool | None
    ) -> dict[str, Any]:
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        return await self.request("DELETE", path, body=body, params=params)

    async def text(self, path: str, **params: str | int | bool | None) -> str:
        """A plain-text answer, such as the log of a container."""
        return (await self._send("GET", path, None, JSON, params, "*/*")).text

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content_type: str = JSON,
        params: Params | None = None,
        accept: str = JSON,
    ) -> dict[str, Any]:
        """One request with a JSON answer. Raises KubeError for every refusal and when there is no answer."""
        answer = await self._send(method, path, body, content_type, params or {}, accept)
        try:
            data = answer.json()
        except ValueError as error:
            raise KubeError(f"{self.access.server}{path} answered with no JSON") from error
        return data if isinstance(data, dict) else {}

    @asynccontextmanager
    async def watch(self, path: str, **params: str | int | bool | None) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Watch events of `path` as they come, until the server ends the stream."""
        query = _query({**params, "watch": True})
        http = self._client()
        try:
            async with http.stream("GET", path, params=query, headers={"Accept": JSON}, timeout=None) as answer:
                if answer.status_code >= 400:
                    await answer.aread()
                    raise _refusal(answer, path)
                yield _events(answer)
        except httpx.TransportError as error:
            raise _unreachable(self.access, path, error) from error

    async def _send(
        self, method: str, path: str, body: Any, content_type: str, params: Params, accept: str
    ) -> httpx.Response:
        head = {"Accept": accept}
        content: bytes | None = None
        if body is not None:
            head["Content-Type"] = content_type
            content = json.dumps(body, separators=(",", ":")).encode()
        try:
            answer = await self._client().request(method, path, content=content, params=_query(params), headers=head)
        except httpx.TransportError as error:
            raise _unreachable(self.access, path, error) from error
        if answer.status_code >= 400:
            raise _refusal(answer, path)
        return answer

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = self._open()
        return self._http

    def _open(self) -> httpx.AsyncClient:
        token, certificate, private_key = "", b"", b""
        if self.access.exec_plugin:
            status = credentials.run_exec_plugin(self.access, self._environ)
            token = str(status.get("token") or "")
            certificate = str(status.get("clientCertificateData") or "").encode()
            private_key = str(status.get("clientKeyData") or "").encode()
        head = [("User-Agent", self._user_agent), *credentials.headers(self.access, token).items()]
        head += credentials.impersonated_groups(self.access)
        verify: Any = True
        if self.access.server.startswith("https") and self._transport is None:
            verify = credentials.ssl_context(self.access, certificate, private_key)
        client = httpx.AsyncClient(
            base_url=self.access.server,
            headers=head,
            verify=verify,
            transport=self._transport,
            timeout=httpx.Timeout(30.0, connect=10.0),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
            proxy=self.access.proxy_url or None,
            trust_env=False,
        )
        if self.access.tls_server_name:
            client.event_hooks["request"] = [self._name_server]
        return client

    async def _name_server(self, request: httpx.Request) -> None:
        request.extensions = {**request.extensions, "sni_hostname": self.access.tls_server_name}


def _query(params: Params) -> dict[str, str]:
    """Query parameters without what was left out; booleans as the API writes them."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in params.items()
        if value is not None and value != ""
    }


async def _events(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    # Lines end at a newline and nowhere else; httpx also ends them at characters that JSON texts may contain.
    rest = b""
    async for block in answer.aiter_bytes():
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _refusal(answer: httpx.Response, path: str) -> KubeError:
    """An answer of 400 and above as one error with the Status it carries."""
    try:
        status = answer.json()
    except ValueError:
        status = {}
    if not isinstance(status, dict) or status.get("kind") != "Status":
        text = answer.text.strip()[:300]
        status = {"message": text or f"the server answered {answer.status_code} to {answer.request.method} {path}"}
    message = str(status.get("message") or f"the server answered {answer.status_code}")
    return KubeError(message, code=answer.status_code, reason=str(status.get("reason") or ""), status=status)


def _unreachable(access: Access, path: str, error: httpx.TransportError) -> KubeError:
    """That there is no answer, in the words a Go client has for it."""
    return KubeError(f'Get "{access.server.rstrip("/")}{path}": {_cause(access, error)}', reason="Unreachable")


def _cause(access: Access, error: BaseException) -> str:
    url = httpx.URL(access.server)
    port = url.port or (443 if url.scheme == "https" else 80)
    for inner in _chain(error):
        if isinstance(inner, socket.gaierror):
            return f"dial tcp: lookup {url.host}: no such host"
        if isinstance(inner, ssl.SSLCertVerificationError):
            return f"tls: failed to verify certificate: {inner.verify_message}"
        if isinstance(inner, ConnectionRefusedError):
            return f"dial tcp {_address(url.host)}:{port}: connect: connection refused"
    if isinstance(error, httpx.ConnectError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return f"tls: failed to verify certificate: {error}"
        if "getaddrinfo" in str(error) or "Name or service" in str(error):
            return f"dial tcp: lookup {url.host}: no such host"
        return f"dial tcp {_address(url.host)}:{port}: connect: connection refused"
    if isinstance(error, httpx.TimeoutException):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    return str(error) or type(error).__name__


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is None or one in found:
            continue
        found.append(one)
        todo += [one.__cause__, one.__context__, *(one.exceptions if isinstance(one, BaseExceptionGroup) else ())]
    return found


def _address(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host
