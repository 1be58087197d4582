"""/metrics: counts of requests and sizes of caches, in the text format of Prometheus."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context

if TYPE_CHECKING:
    from cluster.apiserver.registry.feed import Feed

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """`count` sees every response; the handler shows what was counted."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._requests: Counter[tuple[str, str, str, str, str, int]] = Counter()

    def count(self, ctx: Context, response: Response) -> None:
        info = ctx.info
        key = (info.verb.upper(), info.group, info.version, info.resource, info.subresource, response.status)
        self._requests[key] += 1

    async def __call__(self, ctx: Context) -> Response:
        lines = [
            "# HELP apiserver_request_total Counter of apiserver requests for each verb, group, version, resource, "
            "subresource and HTTP response code.",
            "# TYPE apiserver_request_total counter",
        ]
        for (verb, group, version, resource, sub, code), number in sorted(self._requests.items()):
            labels = f'code="{code}",group="{group}",resource="{resource}",subresource="{sub}"'
            lines.append(f'apiserver_request_total{{{labels},verb="{verb}",version="{version}"}} {number}')
        lines += self._objects() + self._watchers()
        return Response(200, ("\n".join(lines) + "\n").encode(), _TYPE)

    def _objects(self) -> list[str]:
        out = ["# TYPE apiserver_resource_objects gauge"]
        for cache in self._feed.caches.values():
            labels = f'group="{cache.resource.group}",resource="{cache.resource.resource}"'
            out.append(f"apiserver_resource_objects{{{labels}}} {len(cache.entries)}")
        return out

    def _watchers(self) -> list[str]:
        out = ["# TYPE apiserver_longrunning_requests gauge"]
        for cache in self._feed.caches.values():
            if cache.watchers:
                labels = f'group="{cache.resource.group}",resource="{cache.resource.resource}",verb="WATCH"'
                out.append(f"apiserver_longrunning_requests{{{labels}}} {cache.watchers}")
        return out
