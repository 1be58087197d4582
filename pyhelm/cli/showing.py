"""What the show commands have in common: a chart from wherever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm.cli.chartflags import CHART_PATH, DEVEL
from pyhelm.cli.command import Call

if TYPE_CHECKING:
    from pyhelm.chart.model import Chart

FLAGS = (DEVEL, *CHART_PATH)


def shown_chart(call: Call) -> Chart:
    """The chart the words name. Raises PyhelmError."""
    from pyhelm.cli.charts import load, locate

    return load(call, locate(call, call.words[0]))
