"""Releases over any driver: history, the deployed revision, the limit on kept revisions.

Knows what a history means; how records are kept is the driver's business.
"""

from __future__ import annotations

from pyhelm.errors import ReleaseError
from pyhelm.release.model import Release
from pyhelm.release.record import key
from pyhelm.release.status import Status
from pyhelm.storage.interface import Driver, NoDeployedReleases, ReleaseNotFound


class Releases:
    """All revisions of all releases a driver can see."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    async def get(self, name: str, version: int) -> Release:
        return await self.driver.get(key(name, version))

    async def every(self, selector: str = "") -> list[Release]:
        """Every revision of every release."""
        return await self.driver.query({"owner": "helm"}, selector)

    async def history(self, name: str) -> list[Release]:
        """All revisions, oldest first. Raises ReleaseNotFound where there is none."""
        found = await self._revisions(name)
        if not found:
            raise ReleaseNotFound
        return found

    async def last(self, name: str) -> Release:
        """The newest revision. Raises ReleaseNotFound."""
        return (await self.history(name))[-1]

    async def deployed_all(self, name: str) -> list[Release]:
        """All revisions marked deployed (one, unless something went wrong), oldest first."""
        found = await self.driver.query({"owner": "helm", "name": name, "status": Status.DEPLOYED.value})
        return sorted(found, key=lambda r: r.version)

    async def deployed(self, name: str) -> Release:
        """The newest deployed revision. Raises NoDeployedReleases."""
        found = await self.deployed_all(name)
        if not found:
            raise NoDeployedReleases(name)
        return found[-1]

    async def create(self, release: Release, max_history: int = 0) -> None:
        """Store a new revision, first dropping the oldest so that `max_history` remain (0 keeps all)."""
        if max_history > 0:
            await self._prune(release.name, max_history - 1)
        await self.driver.create(key(release.name, release.version), release)

    async def update(self, release: Release) -> None:
        await self.driver.update(key(release.name, release.version), release)

    async def delete(self, name: str, version: int) -> Release:
        return await self.driver.delete(key(name, version))

    async def _revisions(self, name: str) -> list[Release]:
        found = await self.driver.query({"owner": "helm", "name": name})
        return sorted(found, key=lambda r: r.version)

    async def _prune(self, name: str, keep: int) -> None:
        """Delete the oldest revisions; the newest deployed one is never touched."""
        revisions = await self._revisions(name)
        if len(revisions) <= keep:
            return
        deployed = max((r.version for r in revisions if r.status is Status.DEPLOYED), default=None)
        surplus = len(revisions) - keep
        doomed = [r for r in revisions if r.version != deployed][:surplus]
        errors: list[str] = []
        for revision in doomed:
            try:
                await self.delete(name, revision.version)
            except ReleaseError as error:
                errors.append(str(error))
        if errors:
            raise ReleaseError(f"encountered {len(errors)} deletion errors. First is: {errors[0]}")
