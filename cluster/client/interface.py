"""The one client of the cluster's own components: typed by resource, speaking wire dicts, raising StatusError.

Two transports keep it: `inprocess` calls the registry of an API server in this process (no sockets, no encoding,
same admission and the same errors), `http` speaks to any API server. Objects that come back are shared and
frozen by convention: clone before changing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from cluster.meta.types import GroupVersionResource, Obj


@dataclass(frozen=True, slots=True)
class ListResult:
    """Items (without apiVersion/kind when the server leaves them out), the list's resourceVersion, and the
    continue token, empty at the end."""

    items: list[Obj]
    resource_version: str
    continue_token: str = ""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Obj


class Client(Protocol):
    """Every call may raise cluster.meta.errors.StatusError. `namespace` is "" for cluster-scoped resources and,
    in list, watch and delete_collection, for all namespaces."""

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str = "") -> Obj: ...

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
    ) -> ListResult: ...

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
        """Changes after `resource_version`, until the server ends the watch. Raises StatusError 410 (Expired)
        when that version is too old."""
        ...

    async def create(
        self, gvr: GroupVersionResource, obj: Obj, namespace: str = "", *, subresource: str = "", name: str = ""
    ) -> Obj:
        """POST; with `subresource` and `name` to that subresource (binding, eviction, token)."""
        ...

    async def update(self, gvr: GroupVersionResource, obj: Obj, *, subresource: str = "") -> Obj: ...

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
    ) -> Obj: ...

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
    ) -> Obj: ...

    async def delete_collection(
        self, gvr: GroupVersionResource, namespace: str = "", *, label_selector: str = "", field_selector: str = ""
    ) -> None: ...
