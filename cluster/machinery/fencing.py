"""A client that writes only while its holder may: the second guard behind a lease.

A process that was stopped for a while (or swapped out, or busy) wakes up in the middle of its work and would write as
a leader that it no longer is. Its own clock tells that its lease has run out, before anything is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from cluster.client.interface import Client, ListResult, WatchEvent
from cluster.meta.types import GroupVersionResource, Obj


class Fenced(ConnectionError):
    """A write was not sent: the lease has run out."""


class FencedClient:
    """See cluster.client.interface.Client. `allowed` says whether writes may go out now."""

    def __init__(self, client: Client, allowed: Callable[[], bool]) -> None:
        self._client, self._allowed = client, allowed

    def _check(self) -> None:
        if not self._allowed():
            raise Fenced("the lease of this process has run out")

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str = "") -> Obj:
        return await self._client.get(gvr, name, namespace)

    async def list(self, gvr: GroupVersionResource, namespace: str = "", **options: Any) -> ListResult:
        return await self._client.list(gvr, namespace, **options)

    def watch(self, gvr: GroupVersionResource, namespace: str = "", **options: Any) -> AsyncIterator[WatchEvent]:
        return self._client.watch(gvr, namespace, **options)

    async def create(self, gvr: GroupVersionResource, obj: Obj, namespace: str = "", **options: Any) -> Obj:
        self._check()
        return await self._client.create(gvr, obj, namespace, **options)

    async def update(self, gvr: GroupVersionResource, obj: Obj, **options: Any) -> Obj:
        self._check()
        return await self._client.update(gvr, obj, **options)

    async def patch(self, gvr: GroupVersionResource, name: str, namespace: str, body: Any, **options: Any) -> Obj:
        self._check()
        return await self._client.patch(gvr, name, namespace, body, **options)

    async def delete(self, gvr: GroupVersionResource, name: str, namespace: str = "", **options: Any) -> Obj:
        self._check()
        return await self._client.delete(gvr, name, namespace, **options)

    async def delete_collection(self, gvr: GroupVersionResource, namespace: str = "", **options: Any) -> None:
        self._check()
        await self._client.delete_collection(gvr, namespace, **options)
