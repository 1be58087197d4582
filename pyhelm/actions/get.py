"""Get: one revision of a release, and what can be computed of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyhelm.actions.context import Context
from pyhelm.actions.reach import reachable
from pyhelm.actions.reuse import old_values
from pyhelm.errors import ReleaseError
from pyhelm.release.model import Release, check_name


async def get_release(context: Context, name: str, revision: int = 0) -> Release:
    """Revision `revision` of a release, 0 for the newest. Raises ReleaseError."""
    await reachable(context)
    try:
        check_name(name)
    except ReleaseError as error:
        raise ReleaseError(f"releaseContent: Release name is invalid: {name}") from error
    if revision <= 0:
        return await context.releases.last(name)
    return await context.releases.get(name, revision)


def values_of(release: Release, *, everything: bool) -> dict[str, Any]:
    """The user's values, or all that the templates saw."""
    return old_values(release) if everything else release.config


@dataclass(frozen=True, slots=True)
class Metadata:
    """What `get metadata` tells of a revision."""

    release: Release

    def fields(self) -> dict[str, Any]:
        """In Helm's order; what is empty and may be left out is left out."""
        release, chart = self.release, self.release.metadata
        fields: dict[str, Any] = {
            "name": release.name,
            "chart": chart.get("name", ""),
            "version": chart.get("version", ""),
            "appVersion": str(chart.get("appVersion") or ""),
        }
        if chart.get("annotations"):
            fields["annotations"] = chart["annotations"]
        if release.labels:
            fields["labels"] = release.labels
        if chart.get("dependencies"):
            fields["dependencies"] = chart["dependencies"]
        fields |= {
            "namespace": release.namespace,
            "revision": release.version,
            "status": release.info.status.value,
            "deployedAt": release.info.last_deployed,
        }
        if release.apply_method:
            fields["applyMethod"] = release.apply_method
        return fields
