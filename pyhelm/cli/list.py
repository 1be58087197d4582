"""`list`: the newest revision of every release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyhelm.cli.command import Call, Command, no_args
from pyhelm.cli.flags import UsageError, boolean, number, text
from pyhelm.cli.output import OUTPUT, write

if TYPE_CHECKING:
    from pyhelm.actions.listing import ListOptions
    from pyhelm.release.model import Release

_STATES = ("uninstalled", "superseded", "uninstalling", "deployed", "failed", "pending")
_FLAGS = (
    boolean("short", "output short (quiet) listing format", "q"),
    boolean("no-headers", "don't print headers when using the default output format"),
    text("time-format", "format time using golang time formatter. Example: --time-format \"2006-01-02 15:04:05Z0700\""),
    boolean("date", "sort by release date", "d"),
    boolean("reverse", "reverse the sort order", "r"),
    *(boolean(state, f"show {state} releases") for state in _STATES),
    boolean("all-namespaces", "list releases across all namespaces", "A"),
    number("max", "maximum number of releases to fetch", 256, "m"),
    number("offset", "next release index in the list, used to offset from start value"),
    text("filter", "a regular expression (Perl compatible). Any releases that match will be included", "f"),
    text("selector", "selector (label query) to filter on", "l"),
    OUTPUT,
)


def run(call: Call) -> None:
    from pyhelm.actions.context import Context
    from pyhelm.actions.listing import list_releases
    from pyhelm.cli.connect import run_connected

    options = _options(call)

    async def go(context: Context) -> list[Release]:
        return await list_releases(context, options)

    found = run_connected(call, go, all_namespaces=call["all-namespaces"])
    if call["short"]:
        _short(call, found)
        return
    rows = [_row(call, release) for release in found]
    write(call, _structs(rows), lambda: _table(rows, header=not call["no-headers"]))


def _options(call: Call) -> ListOptions:
    from pyhelm.actions.listing import ListOptions

    try:
        pattern = re.compile(call["filter"]) if call["filter"] else None
    except re.error as error:
        raise UsageError(f"error parsing regexp: {error}: `{call['filter']}`") from error
    states: list[str] = []
    for state in _STATES:
        if call[state]:
            states += ["pending-install", "pending-upgrade", "pending-rollback"] if state == "pending" else [state]
    return ListOptions(
        states=tuple(states),
        pattern=pattern,
        selector=call["selector"],
        by_date=call["date"],
        reverse=call["reverse"],
        offset=call["offset"],
        limit=call["max"],
    )


def _row(call: Call, release: Release) -> dict[str, str]:
    from pyhelm.release.times import go_string, is_zero

    updated = release.info.last_deployed
    shown = "-" if is_zero(updated) else go_string(updated)
    if call["time-format"] and not is_zero(updated):
        from pyhelm.cli.gotime import go_format
        from pyhelm.release.times import parse_time

        moment = parse_time(updated)
        shown = go_format(moment, call["time-format"]) if moment else shown
    return {
        "name": release.name,
        "namespace": release.namespace,
        "revision": str(release.version),
        "updated": shown,
        "status": release.info.status.value,
        "chart": release.chart_label,
        "app_version": release.app_version,
    }


def _short(call: Call, releases: list[Release]) -> None:
    names = [release.name for release in releases]

    def as_table() -> str:
        return "".join(f"{name}\n" for name in names)

    write(call, names, as_table)


def _structs(rows: list[dict[str, str]]) -> list[object]:
    from pyhelm.release.wire import Struct

    return [Struct(dict(row)) for row in rows]


def _table(rows: list[dict[str, str]], *, header: bool) -> str:
    from pyhelm.cli.tables import table

    columns = ("name", "namespace", "revision", "updated", "status", "chart", "app_version")
    heads = [("NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION")] if header else []
    return table([*heads, *([row[c] for c in columns] for row in rows)]) + "\n"


COMMAND = Command(path="list", short="list releases", flags=_FLAGS, args=no_args, run=run)
