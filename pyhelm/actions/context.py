"""What every action is handed: the server, the stored releases, the clock, and where to report.

Nothing here is global; a dry run is an action with other collaborators, not with other flags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyhelm.records import dataclass, field

if TYPE_CHECKING:
    from datetime import datetime

    from pyhelm.kube.client import KubeClient
    from pyhelm.kube.discovery import Discovery
    from pyhelm.kube.wait import Progress
    from pyhelm.storage.releases import Releases

Log = Callable[[str, str, Mapping[str, Any]], None]
"""(level, message, attributes), as structured logging has it; level is DEBUG, INFO, WARN or ERROR."""


def no_log(level: str, message: str, attributes: Mapping[str, Any]) -> None:
    """Say nothing."""


def no_progress(progress: Progress) -> None:
    """Show nothing."""


def no_line(line: str) -> None:
    """Print nothing."""


def utc_now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where an action tells what it does. `lines` takes hook logs and explanations of failures."""

    log: Log = no_log
    progress: Callable[[Progress], None] = no_progress
    lines: Callable[[str], None] = no_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The collaborators of an action that talks to a cluster."""

    kube: KubeClient
    discovery: Discovery
    releases: Releases
    namespace: str = "default"
    reporter: Reporter = field(default_factory=Reporter)
    now: Callable[[], datetime] = utc_now
    cache: Path | None = None
    """Folder of compiled templates."""

    def stamp(self) -> str:
        """The time now, as records hold it."""
        from pyhelm.release.times import format_time

        return format_time(self.now())
