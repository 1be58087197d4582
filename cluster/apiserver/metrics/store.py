"""The store, timed. Kubernetes' store is etcd, and its dashboards ask for metrics of that name."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

from cluster.apiserver.metrics.exposition import Family
from cluster.apiserver.metrics.series import Histogram
from cluster.storage.interface import Event, Key, Page, Record, Revision, Store

_SECONDS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
)  # fmt: skip
_LABELS = ("group", "operation", "resource")


class MeasuredStore:
    """A Store; see the interface. Writes and reads of single keys are timed, the rest goes through as it is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.shared = store.shared
        self._times: dict[tuple[str, str], Histogram] = {}

    async def get(self, key: Key) -> Record | None:
        started = time.perf_counter()
        try:
            return await self._store.get(key)
        finally:
            self._took("get", key, started)

    async def create(self, key: Key, value: bytes) -> Revision:
        started = time.perf_counter()
        try:
            return await self._store.create(key, value)
        finally:
            self._took("create", key, started)

    async def update_if(self, key: Key, value: bytes, expected: Revision) -> Revision:
        started = time.perf_counter()
        try:
            return await self._store.update_if(key, value, expected)
        finally:
            self._took("update", key, started)

    async def delete_if(self, key: Key, expected: Revision) -> Revision:
        started = time.perf_counter()
        try:
            return await self._store.delete_if(key, expected)
        finally:
            self._took("delete", key, started)

    async def list_at(
        self, prefix: str, *, revision: Revision | None = None, after: Key | None = None, limit: int = 0
    ) -> Page:
        started = time.perf_counter()
        try:
            return await self._store.list_at(prefix, revision=revision, after=after, limit=limit)
        finally:
            self._took("list", prefix, started)

    def watch_from(self, prefix: str, revision: Revision) -> AsyncIterator[list[Event]]:
        return self._store.watch_from(prefix, revision)

    async def compact(self, revision: Revision) -> None:
        await self._store.compact(revision)

    async def current_revision(self) -> Revision:
        return await self._store.current_revision()

    async def close(self) -> None:
        await self._store.close()

    def _took(self, operation: str, key: str, started: float) -> None:
        seconds = time.perf_counter() - started
        place = (operation, key.split("/", 3)[2])
        held = self._times.get(place)
        if held is None:
            held = self._times[place] = Histogram(_SECONDS)
        held.observe(seconds)

    def families(self) -> Iterator[Family]:
        times = [((*_named(place),), held) for place, held in self._times.items()]
        yield Family(
            "etcd_request_duration_seconds", "histogram",
            "[ALPHA] Etcd request latency in seconds for each operation and object type.", _LABELS, times,
        )  # fmt: skip
        yield Family(
            "etcd_requests_total", "counter",
            "[ALPHA] Etcd request counts for each operation and object type.",
            _LABELS, [(labels, held.count) for labels, held in times],
        )  # fmt: skip


def _named(place: tuple[str, str]) -> tuple[str, str, str]:
    operation, stored = place
    resource, _, group = stored.partition(".")
    return group, operation, resource
