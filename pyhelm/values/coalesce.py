"""How values of a chart, its subcharts and the user become one tree: Helm's rules, with its oddities.

The user's value wins over the parent chart's, the parent's over the subchart's. Maps merge, everything else replaces.
A null takes a default away; while a subchart's own defaults are still to come ("merge" mode) nulls are kept, so that
they can take those away too. `global` travels down into every subchart, where the parent's entry wins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyhelm.chart.model import Chart
from pyhelm.errors import ValuesError

Values = dict[str, Any]
Warn = Callable[[str], None]
GLOBAL = "global"
_NESTED = (dict, list)


def _silent(_: str) -> None:
    return None


def copy_values(value: Any) -> Any:
    """A deep copy of plain data."""
    if isinstance(value, dict):
        return {k: copy_values(v) if isinstance(v, _NESTED) else v for k, v in value.items()}
    if isinstance(value, list):
        return [copy_values(v) if isinstance(v, _NESTED) else v for v in value]
    return value


def coalesce_values(chart: Chart, values: Values, warn: Warn = _silent) -> Values:
    """`values` laid over the defaults of the chart and its subcharts; nulls that took a default away are gone."""
    return _coalesce(chart, copy_values(values), "", False, warn)


def merge_values(chart: Chart, values: Values, warn: Warn = _silent) -> Values:
    """The same, keeping nulls."""
    return _coalesce(chart, copy_values(values), "", True, warn)


def _coalesce(chart: Chart, values: Values, prefix: str, merge: bool, warn: Warn) -> Values:
    _coalesce_own(chart, values, prefix, merge, warn)
    return _coalesce_subcharts(chart, values, prefix, merge, warn)


def _coalesce_subcharts(chart: Chart, values: Values, prefix: str, merge: bool, warn: Warn) -> Values:
    for subchart in chart.dependencies:
        own = values.setdefault(subchart.name, {})
        if not isinstance(own, dict):
            raise ValuesError(f"type mismatch on {subchart.name}: {_as_bool(own)}")
        path = _join(prefix, chart.name)
        _coalesce_globals(own, values, path, warn)
        values[subchart.name] = _coalesce(subchart, own, path, merge, warn)
    return values


def _coalesce_globals(values: Values, above: Values, prefix: str, warn: Warn) -> None:
    """Copy the parent's globals into a subchart's values."""
    own, from_above = values.get(GLOBAL, {}), above.get(GLOBAL, {})
    if not isinstance(own, dict):
        return warn(f"warning: skipping globals because destination {GLOBAL} is not a table.")
    if not isinstance(from_above, dict):
        return warn(f"warning: skipping globals because source {GLOBAL} is not a table.")
    for key, value in from_above.items():
        there = own.get(key)
        if not isinstance(value, dict):
            if isinstance(there, dict):
                warn(f"key {key} is table. Skipping")
            else:
                own[key] = value
        elif key in own and not isinstance(there, dict):
            warn(f'Conflict: cannot merge map onto non-map for "{key}". Skipping.')
        else:
            copied = dict(value)
            if isinstance(there, dict):
                merge_tables(copied, there, _join(prefix, key), True, warn)
            own[key] = copied
    values[GLOBAL] = own


def _coalesce_own(chart: Chart, values: Values, prefix: str, merge: bool, warn: Warn) -> None:
    """Lay `values` over the chart's own defaults."""
    path = _join(prefix, chart.name)
    subcharts = {subchart.name for subchart in chart.dependencies}
    for key, default in copy_values(chart.values).items():
        if key not in values:
            values[key] = default
            continue
        value = values[key]
        if value is None and not merge:
            del values[key]
        elif isinstance(value, dict):
            if isinstance(default, dict):
                merge_tables(value, default, _join(path, key), merge or key in subcharts, warn)
            elif default is not None:
                warn(f"warning: skipped value for {_join(path, key)}: Not a table.")


def merge_tables(
    over: Values | None, under: Values | None, prefix: str = "", merge: bool = False, warn: Warn = _silent
) -> Values:
    """Lay table `over` onto `under`: `over` is changed and answered. With `merge` nulls are kept; without, a null
    over a default takes it away."""
    if under is None:
        return over or {}
    if over is None:
        return under
    for key, below in under.items():
        if key not in over:
            over[key] = below
            continue
        above = over[key]
        if above is None and not merge:
            if below is not None:
                del over[key]
        elif isinstance(below, dict):
            if isinstance(above, dict):
                merge_tables(above, below, _join(prefix, key), merge, warn)
            elif above is not None or not merge:
                shown = f"{_join(prefix, key)} ({_show(below)})"
                warn(f"warning: cannot overwrite table with non table for {shown}")
        elif isinstance(above, dict) and below is not None:
            shown = f"{_join(prefix, key)} is a table. Ignoring non-table value ({_show(below)})"
            warn(f"warning: destination for {shown}")
    return over


def without_nulls(values: Values) -> Values:
    """A copy without null entries of maps, at any depth."""
    out = {k: without_nulls(v) if isinstance(v, dict) else v for k, v in values.items() if v is not None}
    return out


def _join(prefix: str, key: str) -> str:
    return f"{prefix}.{key}" if prefix else key


def _show(value: Any) -> str:
    """Go's %v of plain data."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{k}:{_show(value[k])}" for k in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_show(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    if isinstance(value, float):
        from pyhelm.formats.floats import format_g

        return format_g(value)
    return str(value)


def _as_bool(value: Any) -> str:
    """Go's %t, which Helm uses here for any value."""
    from pyhelm.formats.gotypes import type_of

    if isinstance(value, bool):
        return "true" if value else "false"
    return "%!t(<nil>)" if value is None else f"%!t({type_of(value)}={_show(value)})"
