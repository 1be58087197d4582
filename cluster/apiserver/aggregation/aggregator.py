"""The aggregator of a server: the APIServices it follows, and the parts that work once one of them names a Service.

Those parts are loaded then and not before: most clusters have no other API server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cluster.apiserver.aggregation.registrations import API_SERVICES, Registration, Registrations, is_available
from cluster.apiserver.http.messages import Response
from cluster.apiserver.metrics.exposition import Family
from cluster.apiserver.metrics.series import Histogram
from cluster.apiserver.request import Context
from cluster.meta.types import GroupVersion, Obj

if TYPE_CHECKING:
    from cluster.apiserver.aggregation.availability import Availability
    from cluster.apiserver.aggregation.discovery import RemoteDiscovery
    from cluster.apiserver.aggregation.documents import RemoteDocuments
    from cluster.apiserver.aggregation.proxy import Proxy
    from cluster.apiserver.server import ApiServer

_NOTHING: Mapping[GroupVersion, Obj] = {}
Samples = list[tuple[tuple[str, ...], float | Histogram]]


class Aggregator:
    """`start` once the state is loaded; `run` must be a task for as long as the server lives. `edition` grows whenever
    what is told of other servers has changed."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self.registrations = Registrations(server.feed)
        self.documents: RemoteDocuments | None = None
        self._proxy: Proxy | None = None
        self._availability: Availability | None = None
        self._discovery: RemoteDiscovery | None = None
        self._needed = asyncio.Event()
        self._changes = 0

    def start(self) -> None:
        self.registrations.start()
        self.registrations.listeners.append(self._happened)
        self._happened("")

    def _happened(self, _: str) -> None:
        if self.registrations.remote:
            self._needed.set()

    @property
    def edition(self) -> int:
        return self.registrations.edition + self._changes

    @property
    def remote(self) -> dict[tuple[str, str], Registration]:
        """Which group versions other servers answer; one dict for as long as the server lives."""
        return self.registrations.remote

    @property
    def versions(self) -> Mapping[GroupVersion, Obj]:
        """What other servers serve, as aggregated discovery tells it."""
        return self._discovery.versions if self._discovery is not None else _NOTHING

    @property
    def proxy(self) -> Proxy:
        if self._proxy is None:
            from cluster.apiserver.aggregation.proxy import Proxy

            self._proxy = Proxy(self._server.feed, self._server.options.proxy_client)
        return self._proxy

    async def forward(self, ctx: Context, registration: Registration) -> Response:
        """The answer of the server that has registered. Raises StatusError."""
        return await self.proxy(ctx, registration)

    async def run(self) -> None:
        await self._needed.wait()
        from cluster.apiserver.aggregation.availability import Availability
        from cluster.apiserver.aggregation.discovery import RemoteDiscovery
        from cluster.apiserver.aggregation.documents import RemoteDocuments

        clock = self._server.clock
        self._availability = Availability(self._server, self.registrations, self.proxy)
        self._discovery = RemoteDiscovery(self.registrations, self.proxy, clock, self._changed)
        self.documents = RemoteDocuments(self.registrations, self.proxy, clock, self._changed)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._availability.run(), name="aggregator-availability")
                group.create_task(self._discovery.run(), name="aggregator-discovery")
                group.create_task(self.documents.run(), name="aggregator-documents")
        finally:
            self.proxy.close()

    def _changed(self) -> None:
        self._changes += 1

    def families(self) -> Iterator[Family]:
        """Metrics under kube-aggregator's names."""
        name = "aggregator_unavailable_apiservice"
        text = "of APIServices which are marked as unavailable broken down by APIService name"
        services = self._server.feed.all(API_SERVICES.group_resource)
        now: Samples = [((str(obj["metadata"]["name"]),), int(not is_available(obj))) for obj in services]
        yield Family(name, "gauge", f"[ALPHA] Gauge {text}.", ("name",), now)
        counted: Samples = list(self._availability.unavailable.items()) if self._availability is not None else []
        yield Family(f"{name}_total", "counter", f"[ALPHA] Counter {text} and reason.", ("name", "reason"), counted)
