"""Which of the earlier values an upgrade takes along."""

from __future__ import annotations

import copy
from typing import Any

from pyhelm.actions.options import UpgradeOptions
from pyhelm.chart.model import Chart
from pyhelm.release.model import Release


def reused_values(
    chart: Chart, current: Release, given: dict[str, Any], options: UpgradeOptions
) -> dict[str, Any]:
    """The user's values of the new revision. With `reuse_values` the old defaults replace the chart's."""
    if options.reset_values:
        return given
    if options.reuse_values:
        values = overlay(given, current.config)
        chart.values = old_values(current)
        return values
    if options.reset_then_reuse_values:
        return overlay(given, current.config)
    if not given and current.config:
        return copy.deepcopy(current.config)
    return given


def old_values(current: Release) -> dict[str, Any]:
    """What the earlier revision's templates saw, rebuilt from its record."""
    from pyhelm.values.coalesce import coalesce_values

    recorded = Chart(metadata=dict(current.metadata), values=copy.deepcopy(current.chart.get("values") or {}))
    return coalesce_values(recorded, current.config)


def overlay(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """`first` completed by `second`: maps merge, else `first` wins; a null of `first` deletes."""
    from pyhelm.values.coalesce import copy_values, merge_tables

    merged = copy_values(first)
    merge_tables(merged, copy_values(second), "", False)
    return dict(merged)
