"""List: the newest revision of every release, filtered and sorted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyhelm.actions.context import Context
from pyhelm.release.model import Release
from pyhelm.release.times import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """Options of `list`; no states means all of them, `limit` 0 no limit."""

    states: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    selector: str = ""
    by_date: bool = False
    reverse: bool = False
    offset: int = 0
    limit: int = 256


async def list_releases(context: Context, options: ListOptions) -> list[Release]:
    """Raises PyhelmError."""
    from pyhelm.actions.reach import reachable

    await reachable(context)
    found = await context.releases.every(options.selector)
    if options.pattern is not None:
        found = [release for release in found if options.pattern.search(release.name)]
    newest = _newest(found)
    wanted = [r for r in newest if not options.states or r.info.status.value in options.states]
    if options.by_date:
        wanted.sort(key=lambda r: _moment(r), reverse=options.reverse)
    else:
        wanted.sort(key=lambda r: (r.name, r.namespace), reverse=options.reverse)
    page = wanted[options.offset :] if options.offset < len(wanted) else []
    return page[: options.limit] if options.limit > 0 else page


def _newest(releases: list[Release]) -> list[Release]:
    latest: dict[tuple[str, str], Release] = {}
    for release in releases:
        key = (release.namespace, release.name)
        if key not in latest or latest[key].version < release.version:
            latest[key] = release
    return list(latest.values())


def _moment(release: Release) -> float:
    moment = parse_time(release.info.last_deployed)
    return moment.timestamp() if moment else 0.0
