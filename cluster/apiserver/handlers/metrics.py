"""/metrics and /metrics/slis: what the parts of the server count, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from cluster.apiserver.handlers.health import Health
from cluster.apiserver.http.messages import Response
from cluster.apiserver.metrics.exposition import CONTENT_TYPE, Family, text_of
from cluster.apiserver.metrics.state import STARTED
from cluster.apiserver.request import Context

Source = Callable[[], Iterable[Family]]


class Metrics:
    """Asks its `sources` whenever somebody asks it."""

    def __init__(self, *sources: Source) -> None:
        self.sources = list(sources)

    async def __call__(self, _: Context) -> Response:
        found = text_of(family for source in self.sources for family in source())
        headers = [("Process-Start-Time-Unix", str(int(STARTED)))]
        return Response(200, found.encode(), CONTENT_TYPE, headers)


def health_families(endpoints: Mapping[str, Health]) -> Iterator[Family]:
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
