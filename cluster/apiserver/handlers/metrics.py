"""/metrics and /metrics/slis: what the parts of the server count, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from cluster.apiserver.handlers.health import Health
from cluster.apiserver.handlers.version import version_info
from cluster.apiserver.http.messages import Response
from cluster.apiserver.metrics import flow, state
from cluster.apiserver.metrics.exposition import CONTENT_TYPE, Family, text_of
from cluster.apiserver.metrics.features import FEATURES
from cluster.apiserver.request import Context

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

Source = Callable[[], Iterable[Family]]


class Metrics:
    """Asks its `sources` whenever somebody asks it. `started` is when the server did, in seconds since the epoch."""

    def __init__(self, started: float, sources: Iterable[Source]) -> None:
        self.sources = list(sources)
        self._started = str(int(started))

    async def __call__(self, _: Context) -> Response:
        found = text_of(family for source in self.sources for family in source())
        headers = [("Process-Start-Time-Unix", self._started)]
        return Response(200, found.encode(), CONTENT_TYPE, headers)


def of_server(server: ApiServer, endpoints: Mapping[str, Health]) -> list[Source]:
    """Everything that is counted, in the order in which it is asked for."""
    info = version_info(server.options.kubernetes_version)
    return [
        *of_health(server, endpoints),
        server.requests.families,
        partial(flow.families, server.levels),
        server.measured.families,
        server.services.admission.times.families,
        partial(state.watches, server.served),
        server.aggregator.families,
        partial(state.storage, server.feed),
        partial(state.build, info),
        partial(state.features, FEATURES),
        *((server.audit.families,) if server.audit is not None else ()),
    ]


def of_health(server: ApiServer, endpoints: Mapping[str, Health]) -> list[Source]:
    return [partial(_health, endpoints), partial(state.process, server.started)]


def _health(endpoints: Mapping[str, Health]) -> Iterator[Family]:
    """Each check of each endpoint, as it is now and how often it was found well or not."""
    now, totals = [], []
    for type, health in endpoints.items():
        for name, check in health.checks.items():
            now.append(((name, type), int(not check())))
        totals += [((name, status, type), number) for (name, status), number in health.results.items()]
    labels = ("name", "type")
    text = "[STABLE] This metric records the result of a single healthcheck."
    yield Family("kubernetes_healthcheck", "gauge", text, labels, now)
    text = "[STABLE] This metric records the results of all healthcheck."
    yield Family("kubernetes_healthchecks_total", "counter", text, ("name", "status", "type"), totals)
