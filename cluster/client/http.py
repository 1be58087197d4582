"""The client over HTTP: any API server behind a URL, JSON bodies, streamed watches.

Answers that are a Status failure become StatusError; what never reached the server becomes ConnectionError, so that
callers retry both without knowing this transport.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import orjson

from cluster.client.interface import ListResult, WatchEvent
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource, Obj

_WATCH_TIMEOUT = httpx.Timeout(30.0, read=None)
_MERGE = "application/merge-patch+json"


class HttpClient:
    """`base_url` like https://127.0.0.1:6443. Close it, or use it as an async context manager."""

    def __init__(
        self,
        base_url: str,
        *,
        verify: ssl.SSLContext | bool = True,
        token: str = "",
        user_agent: str = "pyhelm-cluster",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Accept": "application/json", "User-Agent": user_agent}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers, verify=verify, timeout=60.0, limits=limits, transport=transport
        )

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str = "") -> Obj:
        return await self._call("GET", path_of(gvr, namespace, name))

    async def list(
        self,
        gvr: GroupVersionResource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        resource_version: str = "",
    ) -> ListResult:
        query = _query(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            limit=str(limit or ""),
            resourceVersion=resource_version,
        )
        if continue_token:
            query["continue"] = continue_token
        found = await self._call("GET", path_of(gvr, namespace), query)
        meta = found.get("metadata") or {}
        return ListResult(found.get("items") or [], meta.get("resourceVersion") or "", meta.get("continue") or "")

    async def watch(
        self,
        gvr: GroupVersionResource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = True,
    ) -> AsyncIterator[WatchEvent]:
        query = _query(
            watch="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
            allowWatchBookmarks="true" if bookmarks else "",
        )
        try:
            async with self._http.stream(
                "GET", path_of(gvr, namespace), params=query, timeout=_WATCH_TIMEOUT
            ) as response:
                if response.status_code >= 400:
                    raise _error(response.status_code, await response.aread())
                async for line in _lines(response):
                    yield _event(orjson.loads(line))
        except httpx.TransportError as error:
            raise ConnectionError(str(error) or type(error).__name__) from error

    async def create(
        self, gvr: GroupVersionResource, obj: Obj, namespace: str = "", *, subresource: str = "", name: str = ""
    ) -> Obj:
        return await self._call("POST", path_of(gvr, namespace, name, subresource), body=obj)

    async def update(self, gvr: GroupVersionResource, obj: Obj, *, subresource: str = "") -> Obj:
        meta = obj["metadata"]
        path = path_of(gvr, meta.get("namespace") or "", meta["name"], subresource)
        return await self._call("PUT", path, body=obj)

    async def patch(
        self,
        gvr: GroupVersionResource,
        name: str,
        namespace: str,
        body: Any,
        *,
        patch_type: str = _MERGE,
        subresource: str = "",
        field_manager: str = "",
        force: bool = False,
    ) -> Obj:
        query = _query(fieldManager=field_manager, force="true" if force else "")
        path = path_of(gvr, namespace, name, subresource)
        return await self._call("PATCH", path, query, body=body, content_type=patch_type)

    async def delete(
        self,
        gvr: GroupVersionResource,
        name: str,
        namespace: str = "",
        *,
        grace_period: int | None = None,
        propagation: str = "",
        uid: str = "",
        resource_version: str = "",
    ) -> Obj:
        options: Obj = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if grace_period is not None:
            options["gracePeriodSeconds"] = grace_period
        if propagation:
            options["propagationPolicy"] = propagation
        conditions = _query(uid=uid, resourceVersion=resource_version)
        if conditions:
            options["preconditions"] = conditions
        return await self._call("DELETE", path_of(gvr, namespace, name), body=options)

    async def delete_collection(
        self, gvr: GroupVersionResource, namespace: str = "", *, label_selector: str = "", field_selector: str = ""
    ) -> None:
        query = _query(labelSelector=label_selector, fieldSelector=field_selector)
        await self._call("DELETE", path_of(gvr, namespace), query)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Obj:
        content = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": content_type} if content is not None else {}
        try:
            response = await self._http.request(method, path, params=query or {}, content=content, headers=headers)
        except httpx.TransportError as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        if response.status_code >= 400:
            raise _error(response.status_code, response.content)
        out: Obj = orjson.loads(response.content)
        return out


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """Lines end at a newline and nowhere else: httpx also ends them at characters that JSON texts may contain."""
    rest = b""
    async for block in response.aiter_bytes():
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if line:
                yield line


def path_of(gvr: GroupVersionResource, namespace: str, name: str = "", subresource: str = "") -> str:
    """The URL path; `namespace` is empty for cluster-scoped resources and for all namespaces."""
    parts = ["/apis", gvr.group, gvr.version] if gvr.group else ["/api", gvr.version]
    if namespace:
        parts += ["namespaces", namespace]
    parts.append(gvr.resource)
    return "/".join(part for part in [*parts, name, subresource] if part)


def _query(**given: str) -> dict[str, str]:
    return {name: value for name, value in given.items() if value}


def _event(raw: Obj) -> WatchEvent:
    if raw["type"] == "ERROR":
        raise StatusError.from_status(raw["object"])
    return WatchEvent(raw["type"], raw["object"])


def _error(code: int, content: bytes) -> StatusError:
    try:
        status = orjson.loads(content)
    except orjson.JSONDecodeError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return StatusError.from_status({"code": code, **status})
    return StatusError(code, "", content.decode("utf-8", "replace").strip() or f"HTTP {code}")
