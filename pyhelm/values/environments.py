"""Environments of a chart: `values-NAME.yaml` beside its values.yaml holds what differs in environment NAME."""

from __future__ import annotations

import difflib
import re

from pyhelm.chart.model import Chart, ChartFile
from pyhelm.errors import ValuesError

_FILE = re.compile(r"values-([A-Za-z0-9._-]+)\.ya?ml")


def environments(chart: Chart) -> dict[str, ChartFile]:
    """The chart's environments by name."""
    found = ((_FILE.fullmatch(file.name), file) for file in chart.files)
    return {match[1]: file for match, file in found if match}


def environment_file(chart: Chart, name: str) -> ChartFile:
    """The values file of one environment. Raises ValuesError that lists the ones there are."""
    known = environments(chart)
    if name in known:
        return known[name]
    if not known:
        hint = "it has none; add a file values-NAME.yaml beside its values.yaml"
    else:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"it has {', '.join(sorted(known))}" + (f"; did you mean {near[0]}?" if near else "")
    raise ValuesError(f'chart {chart.name} has no environment "{name}": {hint}')
