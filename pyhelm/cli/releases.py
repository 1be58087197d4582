"""How a release is shown: the status block, its JSON, and the notes."""

from __future__ import annotations

from typing import Any

from pyhelm.cli.command import Call
from pyhelm.cli.output import write
from pyhelm.manifest.hooks import Hook
from pyhelm.release.model import Release
from pyhelm.release.record import to_data
from pyhelm.release.times import ansic, is_zero
from pyhelm.release.wire import yaml_text

DRY_RUN_COMPLETE = "Dry run complete"


def show_release(call: Call, release: Release, *, hide_notes: bool = False, metadata: bool = False) -> None:
    """Print a release as install, upgrade and status do."""

    def as_table() -> str:
        return status_block(release, debug=call.settings.debug, hide_notes=hide_notes, metadata=metadata)

    write(call, to_data(release), as_table)


def status_block(release: Release, *, debug: bool, hide_notes: bool = False, metadata: bool = False) -> str:
    """The block of `NAME: …` lines."""
    info = release.info
    lines = [f"NAME: {release.name}"]
    if not is_zero(info.last_deployed):
        lines.append(f"LAST DEPLOYED: {ansic(info.last_deployed)}")
    lines += [f"NAMESPACE: {release.namespace}", f"STATUS: {info.status.value}", f"REVISION: {release.version}"]
    if metadata:
        chart = release.metadata
        lines += [
            f"CHART: {chart.get('name', '')}",
            f"VERSION: {chart.get('version', '')}",
            f"APP_VERSION: {chart.get('appVersion', '')}",
        ]
    lines.append(f"DESCRIPTION: {info.description}")
    if info.resources:
        lines.append(f"RESOURCES:\n{_resources(info.resources)}")
    lines += _tests(release.hooks)
    if debug:
        lines += _values(release)
    if info.description.lower() == DRY_RUN_COMPLETE.lower() or debug:
        lines.append("HOOKS:")
        lines += [f"---\n# Source: {hook.path}\n{hook.manifest}" for hook in release.hooks]
        lines.append(f"MANIFEST:\n{release.manifest}")
    if not hide_notes and info.notes:
        lines.append(f"NOTES:\n{info.notes.strip()}")
    return "\n".join(lines) + "\n"


def _tests(hooks: list[Hook]) -> list[str]:
    tests = [hook for hook in hooks if hook.is_test]
    if not tests:
        return ["TEST SUITE: None"]
    return [
        f"TEST SUITE:     {hook.name}\n"
        f"Last Started:   {ansic(hook.last_run.started_at)}\n"
        f"Last Completed: {ansic(hook.last_run.completed_at)}\n"
        f"Phase:          {hook.last_run.phase}"
        for hook in tests
        if not is_zero(hook.last_run.started_at)
    ]


def _values(release: Release) -> list[str]:
    from pyhelm.actions.reuse import old_values

    given, computed = yaml_text(release.config), yaml_text(old_values(release))
    return [f"USER-SUPPLIED VALUES:\n{given}", f"COMPUTED VALUES:\n{computed}"]


def _resources(resources: dict[str, list[dict[str, Any]]]) -> str:
    """Tables as the server lays them out, one per kind."""
    return "".join(f"==> {kind}\n{_server_table(tables)}\n" for kind, tables in sorted(resources.items()))


def _server_table(tables: list[dict[str, Any]]) -> str:
    rows: list[list[str]] = []
    for table in tables:
        columns = [c for c in table.get("columnDefinitions") or [] if not c.get("priority")]
        places = [i for i, c in enumerate(table.get("columnDefinitions") or []) if not c.get("priority")]
        if not rows:
            rows.append([str(c.get("name", "")).upper() for c in columns])
        for row in table.get("rows") or []:
            rows.append([_cell(row.get("cells") or [], place) for place in places])
    widths = [max(len(row[c]) for row in rows if c < len(row)) for c in range(max(map(len, rows), default=0))]
    return "".join("   ".join(cell.ljust(widths[c]) for c, cell in enumerate(row)).rstrip() + "\n" for row in rows)


def _cell(cells: list[Any], place: int) -> str:
    value = cells[place] if place < len(cells) else None
    return "<none>" if value is None else str(value)
