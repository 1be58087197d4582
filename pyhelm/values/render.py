"""The road from a loaded chart and the user's values to what templates see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyhelm.chart.model import Chart
from pyhelm.values.coalesce import coalesce_values
from pyhelm.values.dependencies import process

Values = dict[str, Any]
Warn = Callable[[str], None]


def effective_values(
    chart: Chart, given: Values, *, check_schema: bool = True, warn: Warn = lambda _: None
) -> tuple[Chart, Values]:
    """The chart with its enabled subcharts, and its values; a subchart's stand below its name. Raises ValuesError
    where values break a schema of the chart or of a subchart."""
    settled = process(chart, given, warn)
    values = coalesce_values(settled, given, warn)
    if check_schema and _has_schema(settled):
        from pyhelm.values.quick_schema import all_surely_valid

        if not all_surely_valid(settled, values):
            from pyhelm.values.schema import check_values

            check_values(settled, values)
    return settled, values


def _has_schema(chart: Chart) -> bool:
    return chart.schema is not None or any(_has_schema(child) for child in chart.dependencies)
