"""How many seats a request needs: a list as many as what it reads weighs, a write the time its watchers are told."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from cluster.apiserver.flowcontrol.queueset import ONE, Work
from cluster.apiserver.request import Query, RequestInfo
from cluster.meta.decimals import is_digits, whole

if TYPE_CHECKING:
    from cluster.apiserver.registry.feed import Feed

BYTES_PER_SEAT = 100_000
STREAMED_AT_MOST = 1_000_000
"""Bytes that a list from memory holds at once: it is joined from what is there."""
MOST_OF_A_LIST, MOST_OF_A_WRITE = 100, 10
WATCHES_PER_SEAT = 10
TELLING = 0.005
"""Seconds that telling `WATCHES_PER_SEAT` watchers takes."""
_WRITES = frozenset(("create", "update", "patch", "delete"))


class Watchers:
    """Who watches what, over HTTP: by group, resource, namespace and name."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str]] = Counter()

    def add(self, info: RequestInfo, query: Query) -> tuple[str, str, str, str] | None:
        """The place to hand to `remove`. Watches of one node's pods are not told of all pods, and not counted."""
        if info.resource == "pods" and "spec.nodeName=" in query.get("fieldSelector"):
            return None
        place = (info.group, info.resource, info.namespace, info.name)
        self._counts[place] += 1
        return place

    def remove(self, place: tuple[str, str, str, str] | None) -> None:
        if place is not None:
            self._counts[place] -= 1
            if not self._counts[place]:
                del self._counts[place]

    def interested(self, info: RequestInfo) -> int:
        """How many are told of a write."""
        if not self._counts:
            return 0
        group, resource, counts = info.group, info.resource, self._counts
        found = counts.get((group, resource, "", ""), 0)
        if info.namespace:
            found += counts.get((group, resource, info.namespace, ""), 0)
        if info.name:
            found += counts.get((group, resource, info.namespace, info.name), 0)
        return found


class Estimator:
    def __init__(self, feed: Feed, watchers: Watchers) -> None:
        self._feed = feed
        self._watchers = watchers

    def work(self, info: RequestInfo, query: Query, widest: int) -> Work:
        """`widest` is the most that the request's level allows, 0 for no such bound."""
        verb = info.verb
        if verb == "get":
            return ONE
        if verb in _WRITES:
            return self._write(info, widest)
        return self._list(info, query, widest) if verb in ("list", "watch") else ONE

    def _write(self, info: RequestInfo, widest: int) -> Work:
        watchers = self._watchers.interested(info)
        if watchers < WATCHES_PER_SEAT or info.subresource == "token":
            return ONE
        seats = math.ceil(watchers / WATCHES_PER_SEAT)
        most = min(widest or MOST_OF_A_WRITE, MOST_OF_A_WRITE)
        # The same work, on the seats there are.
        return Work(1, min(seats, most), seats * TELLING / min(seats, most))

    def _list(self, info: RequestInfo, query: Query, widest: int) -> Work:
        revision = query.get("resourceVersion")
        if info.verb == "watch" and revision not in ("", "0") and not query.flag("sendInitialEvents"):
            return ONE
        cache = self._feed.caches.get(f"{info.resource}.{info.group}" if info.group else info.resource)
        if cache is None or not cache.entries:
            return ONE
        count = len(cache.entries)
        limit = query.get("limit")
        read = min(count, whole(limit) or count) if is_digits(limit) else count
        if info.name:
            read = 1
        weight = read * cache.bytes / count
        if info.verb == "watch" or not _of_the_past(query, revision):
            weight = min(weight, STREAMED_AT_MOST)
        elif not info.name and (query.get("labelSelector") or query.get("fieldSelector")):
            weight = max(read, count // 2) * cache.bytes / count
        seats = max(1, min(math.ceil(weight / BYTES_PER_SEAT), widest or MOST_OF_A_LIST, MOST_OF_A_LIST))
        return ONE if seats == 1 else Work(seats)


def _of_the_past(query: Query, revision: str) -> bool:
    """Whether a list asks for a state that is not the newest."""
    match = query.get("resourceVersionMatch")
    if match:
        return match != "NotOlderThan"
    return bool(query.get("continue")) or (bool(query.get("limit")) and revision not in ("", "0"))
