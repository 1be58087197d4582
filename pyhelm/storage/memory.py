"""The memory driver: records of one process, for tests, `template` and dry runs.

Records are copied by encoding, so that what a caller does to a release it read changes nothing stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyhelm.release.model import Release
from pyhelm.release.record import decode, encode
from pyhelm.storage.interface import ReleaseExists, ReleaseNotFound
from pyhelm.storage.labels import record_labels, user_labels
from pyhelm.storage.selector import matches


class MemoryDriver:
    """Records in a dict. `seconds` is the clock, in unix seconds."""

    name = "Memory"

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._records: dict[str, tuple[str, dict[str, str]]] = {}

    async def get(self, key: str) -> Release:
        if key not in self._records:
            raise ReleaseNotFound
        text, labels = self._records[key]
        return decode(text, user_labels(labels))

    async def query(self, labels: Mapping[str, str], selector: str = "") -> list[Release]:
        return [
            decode(text, user_labels(have))
            for text, have in self._records.values()
            if labels.items() <= have.items() and matches(selector, have)
        ]

    async def create(self, key: str, release: Release) -> None:
        if key in self._records:
            raise ReleaseExists
        self._records[key] = (encode(release), record_labels(release, ("createdAt", int(self._seconds()))))

    async def update(self, key: str, release: Release) -> None:
        if key not in self._records:
            raise ReleaseNotFound
        self._records[key] = (encode(release), record_labels(release, ("modifiedAt", int(self._seconds()))))

    async def delete(self, key: str) -> Release:
        release = await self.get(key)
        del self._records[key]
        return release
