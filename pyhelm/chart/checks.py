"""What must hold before a chart is rendered for an install: its kind, and that its dependencies are there."""

from __future__ import annotations

from pyhelm.chart.model import Chart
from pyhelm.errors import ChartError


def check_installable(chart: Chart) -> None:
    """Raises ChartError for a library chart."""
    if str(chart.metadata.get("type") or "") not in ("", "application"):
        raise ChartError(f"{chart.metadata['type']} charts are not installable")


def check_vendored(chart: Chart) -> None:
    """Raises ChartError naming what Chart.yaml asks for and charts/ lacks, in the short form packaging uses."""
    missing = missing_dependencies(chart)
    if missing:
        raise ChartError(f"found in Chart.yaml, but missing in charts/ directory: {', '.join(missing)}")


def missing_dependencies(chart: Chart) -> list[str]:
    there = {child.name for child in chart.dependencies}
    asked = chart.metadata.get("dependencies") or []
    return [str(entry.get("name") or "") for entry in asked if (entry.get("name") or "") not in there]


def check_dependencies(chart: Chart) -> None:
    """Raises ChartError naming what Chart.yaml asks for and charts/ lacks."""
    missing = missing_dependencies(chart)
    if missing:
        what = f"found in Chart.yaml, but missing in charts/ directory: {', '.join(missing)}"
        advice = "You may need to run `helm dependency build` to fetch missing dependencies"
        raise ChartError(f"an error occurred while checking for chart dependencies. {advice}: {what}")
