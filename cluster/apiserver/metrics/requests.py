"""What is counted of each request, as kube-apiserver counts it: those that reached a handler, by what they asked.

A request costs one look into a dict, whose key is what tells series apart; verbs, scopes and labels are made when that
look finds nothing, which is once a series.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cluster.apiserver.http.messages import Response
from cluster.apiserver.metrics.exposition import Family, Labels
from cluster.apiserver.metrics.series import Histogram, together
from cluster.apiserver.request import LONG_SUBRESOURCES, READ_VERBS, Context, RequestInfo

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

_SLI_SECONDS = (
    0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
)  # fmt: skip
_SECONDS = (0.005, 0.025, *_SLI_SECONDS)
_SIZES = tuple(1000.0 * 10**power for power in range(7))
_BODIES = tuple(50_000.0 + 100_000 * step for step in range(31))
_METHODS = frozenset(("POST", "PUT", "PATCH", "DELETE", "APPLY", "CONNECT", "GET", "LIST", "WATCH"))
_BODY_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "APPLY": "patch", "DELETE": "delete"}
_VERBS = frozenset(("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"))
_MOST_DROPPED = 1000
"""Series of refused requests: these have not been routed, so anybody may make up their labels."""
_COMPONENT = "apiserver"
_APPLY = "application/apply-patch"
_LABELS = ("component", "group", "resource", "scope", "subresource", "verb", "version")


class Series:
    """The requests that share all labels but the status code."""

    __slots__ = ("body", "codes", "dry_run", "labels", "prompt", "sizes", "waited", "waited_sli")

    def __init__(self, labels: Labels, dry_run: str) -> None:
        self.labels = labels
        self.dry_run = dry_run
        self.codes: Counter[int] = Counter()
        self.prompt = Histogram(_SECONDS)
        """Seconds of those that had to wait for nobody, for which both latencies are one."""
        self.waited, self.waited_sli = Histogram(_SECONDS), Histogram(_SLI_SECONDS)
        self.sizes = Histogram(_SIZES) if labels[5] in ("GET", "LIST") else None
        self.body = Histogram(_BODIES) if labels[5] in _BODY_VERBS else None


class RequestMetrics:
    """`arrived` is the first step of the chain; `answered` and `ended` are told of every request."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._series: dict[tuple[str, ...], Series] = {}
        """By what is cheap to tell of a request; several keys may lead to one series."""
        self._by_labels: dict[tuple[Labels, str], Series] = {}
        self._long: Counter[Labels] = Counter()
        self._running = {"mutating": 0, "readOnly": 0}
        self._dropped: Counter[Labels] = Counter()

    async def arrived(self, ctx: Context) -> Response | None:
        ctx.received = self._clock.now()
        if ctx.info.is_long_running:
            return None
        self._running["readOnly" if ctx.info.verb in READ_VERBS else "mutating"] += 1
        return None

    def answered(self, ctx: Context, response: Response) -> None:
        if not ctx.received:
            return
        info = ctx.info
        if not info.is_long_running:
            self._running["readOnly" if info.verb in READ_VERBS else "mutating"] -= 1
        elif response.stream is not None or response.takeover is not None:
            self._long[self._of(ctx).labels] += 1
        if response.status in (429, 504):
            key = (str(response.status), *labels_of(ctx))
            if len(self._dropped) < _MOST_DROPPED or key in self._dropped:
                self._dropped[key] += 1

    def ended(self, ctx: Context, response: Response) -> None:
        if not ctx.routed or not ctx.received:
            return
        series = self._of(ctx)
        series.codes[response.status] += 1
        if response.stream is not None or response.takeover is not None:
            self._long[series.labels] -= 1
            if series.labels[5] == "WATCH":
                # How long a watch lasts says nothing of the server.
                return
        seconds = self._clock.now() - ctx.received
        if ctx.waited:
            series.waited.observe(seconds)
            series.waited_sli.observe(seconds - ctx.waited)
        else:
            series.prompt.observe(seconds)
        if series.sizes is not None:
            series.sizes.observe(len(response.body))
        elif series.body is not None and ctx.request.body:
            series.body.observe(len(ctx.request.body))

    def _of(self, ctx: Context) -> Series:
        info = ctx.info
        verb = info.verb
        if verb == "patch" and ctx.request.headers.get("content-type", "").startswith(_APPLY):
            verb = "apply"
        elif verb not in _VERBS:
            verb = "other"
        dry = ctx.query.get("dryRun") if ctx.request.query else ""
        if dry not in ("", "All"):
            dry = "invalid"
        scope = "n" if info.name else "s" if info.namespace else ""
        key = (verb, info.group, info.version, info.resource or info.path, info.subresource, scope, dry)
        found = self._series.get(key)
        if found is None:
            labels = labels_of(ctx)
            found = self._by_labels.setdefault((labels, dry), Series(labels, dry))
            self._series[key] = found
        return found

    def families(self) -> Iterator[Family]:
        series = list(self._by_labels.values())
        durations = [(s, together(s.prompt, s.waited)) for s in series]
        dry = ("component", "dry_run", *_LABELS[1:])
        counted = [((str(code), *_dry(s)), n) for s in series for code, n in s.codes.items()]
        yield Family(
            "apiserver_request_total", "counter",
            "[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, "
            "scope, component, and HTTP response code.",
            ("code", *dry), counted,
        )  # fmt: skip
        yield Family(
            "apiserver_request_duration_seconds", "histogram",
            "[STABLE] Response latency distribution in seconds for each verb, dry run value, group, version, "
            "resource, subresource, scope and component.",
            dry, [(_dry(s), seconds) for s, seconds in durations if seconds.count],
        )  # fmt: skip
        yield Family(
            "apiserver_request_sli_duration_seconds", "histogram",
            "[ALPHA] Response latency distribution (not counting webhook duration and priority & fairness queue wait "
            "times) in seconds for each verb, group, version, resource, subresource, scope and component.",
            _LABELS,
            [(s.labels, together(s.prompt, s.waited_sli)) for s, d in durations if d.count and not s.dry_run],
        )  # fmt: skip
        yield Family(
            "apiserver_response_sizes", "histogram",
            "[STABLE] Response size distribution in bytes for each group, version, verb, resource, subresource, "
            "scope and component.",
            _LABELS, [(s.labels, s.sizes) for s in series if s.sizes is not None and s.sizes.count],
        )  # fmt: skip
        yield from self._others(series)

    def _others(self, series: list[Series]) -> Iterator[Family]:
        bodies = [
            ((s.labels[1], s.labels[2], _BODY_VERBS[s.labels[5]]), s.body) for s in series if s.body and s.body.count
        ]
        yield Family(
            "apiserver_request_body_size_bytes", "histogram",
            "[ALPHA] Apiserver request body size in bytes broken out by resource and verb.",
            ("group", "resource", "verb"), _added(bodies),
        )  # fmt: skip
        yield Family(
            "apiserver_longrunning_requests", "gauge",
            "[STABLE] Gauge of all active long-running apiserver requests broken out by verb, group, version, "
            "resource, scope and component. Not all requests are tracked this way.",
            _LABELS, {labels: number for labels, number in self._long.items() if number},
        )  # fmt: skip
        yield Family(
            "apiserver_current_inflight_requests", "gauge",
            "[STABLE] Maximal number of currently used inflight request limit of this apiserver per request kind in "
            "last second.",
            ("request_kind",), [((kind,), number) for kind, number in self._running.items()],
        )  # fmt: skip
        yield Family(
            "apiserver_request_terminations_total", "counter",
            "[ALPHA] Number of requests which apiserver terminated in self-defense.",
            ("code", *_LABELS), self._dropped,
        )  # fmt: skip


def labels_of(ctx: Context) -> Labels:
    """Values of `_LABELS`."""
    info = ctx.info
    if not info.is_resource:
        return "", "", "", "", info.path, _verb(ctx, ""), ""
    scope = _scope(info)
    return _COMPONENT, info.group, info.resource, scope, info.subresource, _verb(ctx, scope), info.version


def _scope(info: RequestInfo) -> str:
    if info.name or info.verb == "create":
        return "resource"
    return "namespace" if info.namespace else "cluster"


def _verb(ctx: Context, scope: str) -> str:
    info = ctx.info
    if info.subresource in LONG_SUBRESOURCES and info.subresource != "log":
        return "CONNECT"
    if info.verb == "watch":
        return "WATCH"
    method = ctx.request.method
    if method in ("GET", "HEAD"):
        return "LIST" if scope not in ("resource", "") else "GET"
    if info.verb == "patch" and ctx.request.headers.get("content-type", "").startswith(_APPLY):
        return "APPLY"
    return method if method in _METHODS else "other"


def _dry(series: Series) -> Labels:
    return (series.labels[0], series.dry_run, *series.labels[1:])


def _added(samples: Iterable[tuple[Labels, Histogram]]) -> dict[Labels, Histogram]:
    """Series with equal labels made one."""
    out: dict[Labels, Histogram] = {}
    for labels, one in samples:
        held = out.get(labels)
        out[labels] = one if held is None else together(held, one)
    return out
