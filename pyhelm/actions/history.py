"""History: the revisions of one release, oldest first."""

from __future__ import annotations

from pyhelm.actions.context import Context
from pyhelm.actions.reach import reachable
from pyhelm.errors import ReleaseError
from pyhelm.release.model import Release, check_name


async def history(context: Context, name: str, limit: int = 256) -> list[Release]:
    """The newest `limit` revisions. Raises ReleaseError for a bad or unknown name."""
    await reachable(context)
    try:
        check_name(name)
    except ReleaseError as error:
        raise ReleaseError(f"release name is invalid: {name}") from error
    found = await context.releases.history(name)
    return found[-limit:] if limit > 0 else found
