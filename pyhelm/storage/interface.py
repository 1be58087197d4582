"""The seam of release storage: keys, labels and records, whatever holds them.

A driver knows nothing of history or states; `releases` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pyhelm.errors import ReleaseError
from pyhelm.release.model import Release


class ReleaseNotFound(ReleaseError):
    """No record under that key."""

    def __init__(self, message: str = "release: not found") -> None:
        super().__init__(message)


class ReleaseExists(ReleaseError):
    """A record with that key is there already: somebody else made this revision."""

    def __init__(self, message: str = "release: already exists") -> None:
        super().__init__(message)


class NoDeployedReleases(ReleaseError):
    """The release has no revision that is deployed."""

    def __init__(self, name: str) -> None:
        super().__init__(f'"{name}" has no deployed releases')


class Driver(Protocol):
    """Where records are kept. Keys are `sh.helm.release.v1.NAME.vN`; `query` matches record labels exactly."""

    name: str

    async def get(self, key: str) -> Release:
        """The record. Raises ReleaseNotFound."""
        ...

    async def query(self, labels: Mapping[str, str], selector: str = "") -> list[Release]:
        """All records whose labels match; `selector` is a Kubernetes label selector over the same labels."""
        ...

    async def create(self, key: str, release: Release) -> None:
        """Store a new record. Raises ReleaseExists."""
        ...

    async def update(self, key: str, release: Release) -> None:
        """Replace a record. Raises ReleaseNotFound."""
        ...

    async def delete(self, key: str) -> Release:
        """Remove a record and return it. Raises ReleaseNotFound."""
        ...
