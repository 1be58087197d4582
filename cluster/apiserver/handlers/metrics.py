"""/metrics: counts of requests and sizes of caches, in the text format of Prometheus."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context

if TYPE_CHECKING:
    from cluster.apiserver.registry.feed import Feed
    from cluster.machinery.clock import Clock

BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0)
"""Upper bounds of the latency histogram, seconds."""
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """`count` sees every response; the handler shows what was counted."""

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._requests: Counter[tuple[str, str, str, str, str, int]] = Counter()
        self._durations: dict[tuple[str, str], list[float]] = {}
        self._running: Counter[str] = Counter()

    async def arrived(self, ctx: Context) -> Response | None:
        """The first step of the chain."""
        ctx.received = self._clock.now()
        self._running[_kind_of(ctx)] += 1
        return None

    def count(self, ctx: Context, response: Response) -> None:
        info = ctx.info
        key = (info.verb.upper(), info.group, info.version, info.resource, info.subresource, response.status)
        self._requests[key] += 1
        if ctx.received:
            self._running[_kind_of(ctx)] -= 1
        if response.stream is None and response.takeover is None:
            self._took(info.verb.upper(), info.resource, self._clock.now() - ctx.received)

    def _took(self, verb: str, resource: str, seconds: float) -> None:
        held = self._durations.setdefault((verb, resource), [0.0] * (len(BUCKETS) + 2))
        held[-1] += seconds
        held[-2] += 1
        for at, most in enumerate(BUCKETS):
            if seconds <= most:
                held[at] += 1

    async def __call__(self, ctx: Context) -> Response:
        lines = [
            "# HELP apiserver_request_total Counter of apiserver requests for each verb, group, version, resource, "
            "subresource and HTTP response code.",
            "# TYPE apiserver_request_total counter",
        ]
        for (verb, group, version, resource, sub, code), number in sorted(self._requests.items()):
            labels = f'code="{code}",group="{group}",resource="{resource}",subresource="{sub}"'
            lines.append(f'apiserver_request_total{{{labels},verb="{verb}",version="{version}"}} {number}')
        lines += self._durations_lines() + self._running_lines() + self._objects() + self._watchers()
        return Response(200, ("\n".join(lines) + "\n").encode(), _TYPE)

    def _durations_lines(self) -> list[str]:
        name = "apiserver_request_duration_seconds"
        out = [
            f"# HELP {name} Response latency distribution in seconds for each verb and resource.",
            f"# TYPE {name} histogram",
        ]
        for (verb, resource), held in sorted(self._durations.items()):
            labels = f'resource="{resource}",verb="{verb}"'
            for most, number in zip(BUCKETS, held, strict=False):
                out.append(f'{name}_bucket{{{labels},le="{most:g}"}} {number:.0f}')
            out.append(f'{name}_bucket{{{labels},le="+Inf"}} {held[-2]:.0f}')
            out += [f"{name}_sum{{{labels}}} {held[-1]:.6f}", f"{name}_count{{{labels}}} {held[-2]:.0f}"]
        return out

    def _running_lines(self) -> list[str]:
        name = "apiserver_current_inflight_requests"
        out = [f"# HELP {name} Requests under way, by kind.", f"# TYPE {name} gauge"]
        return out + [f'{name}{{request_kind="{kind}"}} {self._running[kind]}' for kind in ("mutating", "readOnly")]

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


def _kind_of(ctx: Context) -> str:
    return "readOnly" if ctx.info.verb in ("get", "list", "watch", "head") else "mutating"
