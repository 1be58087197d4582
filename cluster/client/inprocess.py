"""The client without a wire: calls a server in this process through a Backend that the server hands in.

Same admission, same rights, same errors as over HTTP. Knows nothing of the server but the Protocol below.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from cluster.client.interface import ListResult, WatchEvent
from cluster.meta.types import GroupVersionResource, Obj


class Backend(Protocol):
    """What a server offers to clients in its own process. All may raise StatusError."""

    def of(self, gvr: GroupVersionResource) -> Backend:
        """Who answers for a resource: this one, or another where another server does."""
        ...

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str) -> Obj: ...

    async def list(self, gvr: GroupVersionResource, namespace: str, options: dict[str, Any]) -> ListResult: ...

    def watch(
        self, gvr: GroupVersionResource, namespace: str, options: dict[str, Any]
    ) -> AsyncIterator[WatchEvent]: ...

    async def create(self, gvr: GroupVersionResource, obj: Obj, namespace: str, sub: str, name: str) -> Obj: ...

    async def update(self, gvr: GroupVersionResource, obj: Obj, sub: str) -> Obj: ...

    async def patch(
        self, gvr: GroupVersionResource, name: str, namespace: str, data: Any, options: dict[str, Any]
    ) -> Obj: ...

    async def delete(self, gvr: GroupVersionResource, name: str, namespace: str, options: dict[str, Any]) -> Obj: ...

    async def delete_collection(self, gvr: GroupVersionResource, namespace: str, labels: str, fields: str) -> None: ...


class InProcessClient:
    """See cluster.client.interface.Client."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str = "") -> Obj:
        return await self._backend.of(gvr).get(gvr, name, namespace)

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
        options = {
            "label_selector": label_selector,
            "field_selector": field_selector,
            "limit": limit,
            "continue_token": continue_token,
            "resource_version": resource_version,
        }
        return await self._backend.of(gvr).list(gvr, namespace, options)

    def watch(
        self,
        gvr: GroupVersionResource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = True,
    ) -> AsyncIterator[WatchEvent]:
        options = {
            "resource_version": resource_version,
            "label_selector": label_selector,
            "field_selector": field_selector,
            "bookmarks": bookmarks,
        }
        return self._backend.of(gvr).watch(gvr, namespace, options)

    async def create(
        self,
        gvr: GroupVersionResource,
        obj: Obj,
        namespace: str = "",
        *,
        subresource: str = "",
        name: str = "",
    ) -> Obj:
        return await self._backend.of(gvr).create(gvr, obj, namespace, subresource, name)

    async def update(self, gvr: GroupVersionResource, obj: Obj, *, subresource: str = "") -> Obj:
        return await self._backend.of(gvr).update(gvr, obj, subresource)

    async def patch(
        self,
        gvr: GroupVersionResource,
        name: str,
        namespace: str,
        body: Any,
        *,
        patch_type: str = "application/merge-patch+json",
        subresource: str = "",
        field_manager: str = "",
        force: bool = False,
    ) -> Obj:
        options = {
            "patch_type": patch_type,
            "subresource": subresource,
            "field_manager": field_manager,
            "force": force,
        }
        return await self._backend.of(gvr).patch(gvr, name, namespace, body, options)

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
        options = {
            "grace": grace_period,
            "propagation": propagation or None,
            "uid": uid or None,
            "resource_version": resource_version or None,
        }
        return await self._backend.of(gvr).delete(gvr, name, namespace, options)

    async def delete_collection(
        self,
        gvr: GroupVersionResource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> None:
        await self._backend.of(gvr).delete_collection(gvr, namespace, label_selector, field_selector)
