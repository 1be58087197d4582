"""The whole state in one answer: what `cluster snapshot save` asks of a server that runs. For administrators, by RBAC.

It hands on the store's own bytes, so what is encrypted at rest stays so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.apiserver.http.messages import Response
from cluster.apiserver.registry.feed import ROOT
from cluster.apiserver.registry.unavailable import unavailable
from cluster.apiserver.request import Context
from cluster.meta import errors
from cluster.storage.interface import Store, StoreUnavailable

PATH = "/pyhelm/snapshot"


class SnapshotHandler:
    """`about` goes into the file's header; `reach` is told when the file is half made (for trials of kills)."""

    def __init__(self, store: Store, about: Mapping[str, Any], reach: Any = None) -> None:
        self._store, self._about, self._reach = store, about, reach

    async def __call__(self, ctx: Context) -> Response:
        from cluster.storage.snapshot import encoded

        if ctx.request.method != "GET":
            raise errors.method_not_allowed()
        try:
            page = await self._store.list_at(ROOT)
        except StoreUnavailable as error:
            raise unavailable(error) from None
        return Response(200, b"".join(encoded(page, self._about, self._reach)), "application/octet-stream")
