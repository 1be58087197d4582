"""Which subcharts take part: aliases, conditions, tags, and values that a parent imports from a child.

`process` settles a whole tree of charts for one set of values and answers a new tree; the charts given stay as they
were loaded, so that one loaded chart can be rendered again with other values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pyhelm.chart.model import Chart
from pyhelm.formats.semver import Constraint, SemverError, Version
from pyhelm.records import replace
from pyhelm.values.coalesce import coalesce_values, copy_values, merge_tables, merge_values

Values = dict[str, Any]
Warn = Callable[[str], None]


def _silent(_: str) -> None:
    return None


def process(chart: Chart, values: Values, warn: Warn = _silent) -> Chart:
    """The chart with the subcharts these values enable, aliases applied, and import-values in its defaults."""
    settled = _copy(chart, None)
    _enable(settled, values, "", warn)
    _import_values(settled, warn)
    return settled


def _copy(chart: Chart, parent: Chart | None) -> Chart:
    """A chart whose metadata and tree may be changed; files and values are shared."""
    metadata = dict(chart.metadata)
    if "dependencies" in metadata:
        metadata["dependencies"] = [dict(d) for d in metadata["dependencies"] or []]
    out = replace(chart, metadata=metadata, parent=parent)
    out.dependencies = [_copy(child, out) for child in chart.dependencies]
    return out


def _enable(chart: Chart, values: Values, path: str, warn: Warn) -> None:
    asked: list[dict[str, Any]] = chart.metadata.get("dependencies") or []
    if not asked:
        for child in chart.dependencies:
            _enable(child, coalesce_values(chart, values, warn), f"{path}{child.name}.", warn)
        return
    chart.dependencies = _matched(chart, asked)
    for entry in asked:
        entry["name"] = entry.get("alias") or entry.get("name")
    merged = coalesce_values(chart, values)
    on = {id(entry): _wanted(entry, merged, path, warn) for entry in asked}
    off = {entry["name"] for entry in asked if not on[id(entry)]}
    chart.dependencies = [child for child in chart.dependencies if child.name not in off]
    chart.metadata["dependencies"] = [entry for entry in asked if entry["name"] not in off]
    for child in chart.dependencies:
        _enable(child, merged, f"{path}{child.name}.", warn)


def _matched(chart: Chart, asked: list[dict[str, Any]]) -> list[Chart]:
    """Charts below charts/ that nothing in Chart.yaml speaks of, then one chart for each entry, renamed by alias."""
    out = [
        child
        for child in chart.dependencies
        if not any(entry.get("name") == child.name and _in_range(entry, child) for entry in asked)
    ]
    for entry in asked:
        found = next((c for c in chart.dependencies if c.name == entry.get("name") and _in_range(entry, c)), None)
        if found is not None:
            renamed = _copy(found, chart)
            renamed.metadata["name"] = entry.get("alias") or found.name
            out.append(renamed)
    return out


def _in_range(entry: dict[str, Any], child: Chart) -> bool:
    try:
        return Constraint.parse(str(entry.get("version") or "")).check(Version.parse(child.version))
    except SemverError:
        return False


def _wanted(entry: dict[str, Any], values: Values, path: str, warn: Warn) -> bool:
    """Tags first, then the first condition that is there and is a boolean."""
    wanted = _wanted_by_tags(entry, values.get("tags"), warn)
    for condition in str(entry.get("condition") or "").strip().split(","):
        if not condition:
            continue
        found, value = _leaf(values, path + condition)
        if found and isinstance(value, bool):
            return value
        if found:
            warn(f"returned non-bool value path={path + condition} chart={entry['name']}")
    return wanted


def _wanted_by_tags(entry: dict[str, Any], tags: Any, warn: Warn) -> bool:
    if not isinstance(tags, dict):
        return True
    said: set[bool] = set()
    for tag in entry.get("tags") or []:
        value = tags.get(tag)
        if isinstance(value, bool):
            said.add(value)
        elif tag in tags:
            warn(f"returned non-bool value tag={tag} chart={entry['name']}")
    return True in said or not said


def _leaf(values: Values, path: str) -> tuple[bool, Any]:
    """Whether something that is no table stands at a dotted path, and what."""
    *above, last = path.split(".")
    table = find_table(values, above)
    if table is None or last not in table or isinstance(table[last], dict):
        return False, None
    return True, table[last]


def find_table(values: Values, path: Iterable[str]) -> Values | None:
    """The table at a path, None where there is none."""
    for step in path:
        found = values.get(step)
        if not isinstance(found, dict):
            return None
        values = found
    return values


def _import_values(chart: Chart, warn: Warn) -> None:
    """Children first, then what this chart imports from them goes below its own defaults."""
    for child in chart.dependencies:
        _import_values(child, warn)
    if not chart.metadata.get("dependencies"):
        return
    merged = merge_values(chart, {})
    imported: Values = {}
    for entry in chart.metadata["dependencies"]:
        for wish in entry.get("import-values") or []:
            for parent, table in _wish(wish, entry["name"], merged, warn):
                imported = merge_tables(imported, _below(parent, table), merge=True)
    chart.values = merge_tables(copy_values(merged), imported, merge=True)


def _wish(wish: Any, name: str, merged: Values, warn: Warn) -> list[tuple[str, Values]]:
    """One entry of import-values as (path in the parent, the child's table); nothing where the table is missing."""
    if isinstance(wish, dict):
        child, parent = str(wish.get("child")), str(wish.get("parent"))
    elif isinstance(wish, str):
        child, parent = f"exports.{wish}", "."
    else:
        return []
    table = find_table(merged, [name, *child.split(".")])
    if table is None:
        warn(f"ImportValues missing table from chart chart={name} path={child}")
        return []
    return [(parent, copy_values(table))]


def _below(path: str, table: Values) -> Values:
    if path == ".":
        return table
    for step in reversed(path.split(".")):
        table = {step: table}
    return table
