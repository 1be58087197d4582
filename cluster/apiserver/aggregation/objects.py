"""Objects of other API servers for clients in this process: the same verbs, over the wire to the server they are on.

Loaded when somebody here first asks for such an object.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx

from cluster.apiserver.aggregation.proxy import Proxy
from cluster.apiserver.aggregation.registrations import Registrations
from cluster.apiserver.request import UserInfo
from cluster.apiserver.service_endpoints import Unresolved
from cluster.client.endpoint import BadBundle, NoAnswer
from cluster.client.http import HttpClient
from cluster.client.inprocess import Backend
from cluster.client.interface import ListResult, WatchEvent
from cluster.meta.errors import Reason, StatusError
from cluster.meta.types import GroupVersionResource, Obj

Allow = Callable[..., Awaitable[None]]
_UNAVAILABLE = "the server is currently unable to handle the request"


class RemoteBackend:
    """See client.inprocess.Backend. `allow` raises StatusError for what the user may not do."""

    def __init__(self, registrations: Registrations, proxy: Proxy, user: UserInfo, allow: Allow) -> None:
        self._allow = allow
        self._client = HttpClient("https://aggregated", transport=_Road(registrations, proxy, user))

    def of(self, gvr: GroupVersionResource) -> Backend:
        return self

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str) -> Obj:
        await self._allow("get", gvr, namespace, name)
        return await self._client.get(gvr, name, namespace)

    async def list(self, gvr: GroupVersionResource, namespace: str, options: dict[str, Any]) -> ListResult:
        await self._allow("list", gvr, namespace)
        return await self._client.list(gvr, namespace, **options)

    async def watch(
        self, gvr: GroupVersionResource, namespace: str, options: dict[str, Any]
    ) -> AsyncIterator[WatchEvent]:
        await self._allow("watch", gvr, namespace)
        async for event in self._client.watch(gvr, namespace, **options):
            yield event

    async def create(self, gvr: GroupVersionResource, obj: Obj, namespace: str, sub: str, name: str) -> Obj:
        await self._allow("create", gvr, namespace, name, sub)
        return await self._client.create(gvr, obj, namespace, subresource=sub, name=name)

    async def update(self, gvr: GroupVersionResource, obj: Obj, sub: str) -> Obj:
        await self._allow("update", gvr, obj["metadata"].get("namespace", ""), obj["metadata"]["name"], sub)
        return await self._client.update(gvr, obj, subresource=sub)

    async def patch(
        self, gvr: GroupVersionResource, name: str, namespace: str, data: Any, options: dict[str, Any]
    ) -> Obj:
        await self._allow("patch", gvr, namespace, name, options["subresource"])
        return await self._client.patch(gvr, name, namespace, data, **options)

    async def delete(self, gvr: GroupVersionResource, name: str, namespace: str, options: dict[str, Any]) -> Obj:
        await self._allow("delete", gvr, namespace, name)
        return await self._client.delete(
            gvr,
            name,
            namespace,
            grace_period=options["grace"],
            propagation=options["propagation"] or "",
            uid=options["uid"] or "",
            resource_version=options["resource_version"] or "",
        )

    async def delete_collection(self, gvr: GroupVersionResource, namespace: str, labels: str, fields: str) -> None:
        await self._allow("deletecollection", gvr, namespace)
        await self._client.delete_collection(gvr, namespace, label_selector=labels, field_selector=fields)


class _Road(httpx.AsyncBaseTransport):
    """From the client to the server behind the path, in the user's name."""

    def __init__(self, registrations: Registrations, proxy: Proxy, user: UserInfo) -> None:
        self._registrations, self._proxy, self._user = registrations, proxy, user

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        registration = self._registrations.of_path(request.url.path)
        if registration is None or not registration.available:
            raise StatusError(503, Reason.SERVICE_UNAVAILABLE, _UNAVAILABLE)
        kept = [(name.lower(), value) for name, value in request.headers.items() if name.lower() != "host"]
        target = request.url.raw_path.decode()
        try:
            answer = await self._proxy.exchange(
                registration, request.method, target, self._user, kept, await request.aread()
            )
        except (NoAnswer, Unresolved, BadBundle, OSError) as error:
            raise StatusError(503, Reason.SERVICE_UNAVAILABLE, f"error trying to reach service: {error}") from error
        return httpx.Response(answer.status, headers=answer.headers, stream=_Chunks(answer.chunks))


class _Chunks(httpx.AsyncByteStream):
    """An answer's body, as httpx wants it."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except NoAnswer as error:
            raise httpx.ReadError(str(error)) from error

    async def aclose(self) -> None:
        await self._chunks.aclose()  # type: ignore[attr-defined]
