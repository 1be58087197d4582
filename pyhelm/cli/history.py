"""`history`: the revisions of a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import number
from pyhelm.cli.output import OUTPUT, write

if TYPE_CHECKING:
    from pyhelm.release.model import Release


def run(call: Call) -> None:
    from pyhelm.actions.context import Context
    from pyhelm.actions.history import history
    from pyhelm.cli.connect import run_connected
    from pyhelm.release.wire import Struct

    async def go(context: Context) -> list[Release]:
        return await history(context, call.words[0], call["max"])

    found = run_connected(call, go)
    write(call, [Struct(_fields(release)) for release in found], lambda: _table(found))


def _fields(release: Release) -> dict[str, Any]:
    return {
        "revision": release.version,
        "updated": release.info.last_deployed or "0001-01-01T00:00:00Z",
        "status": release.info.status.value,
        "chart": release.chart_label,
        "app_version": release.app_version,
        "description": release.info.description,
    }


def _table(releases: list[Release]) -> str:
    from pyhelm.cli.tables import table
    from pyhelm.release.times import ansic

    rows: list[list[object]] = [["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"]]
    for release in releases:
        fields = _fields(release)
        rows.append([fields["revision"], ansic(release.info.last_deployed), *list(fields.values())[2:]])
    return table(rows) + "\n"


COMMAND = Command(
    path="history",
    use="RELEASE_NAME",
    short="fetch release history",
    flags=(number("max", "maximum number of revision to include in history", 256), OUTPUT),
    args=exact_args(1),
    run=run,
)
