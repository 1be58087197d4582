"""Charts in memory for the tests of the engine."""

from __future__ import annotations

from typing import Any

from pyhelm.chart.model import Chart, ChartFile
from pyhelm.engine.capabilities import capabilities
from pyhelm.engine.engine import Engine
from pyhelm.engine.interface import EngineOptions, ReleaseInfo


def chart_of(files: dict[str, str], *, engine: str = "gotpl", name: str = "gold", parent: Chart | None = None) -> Chart:
    """A chart whose files below templates/ are `files`; joined to `parent` when given."""
    metadata = {"apiVersion": "v2", "name": name, "version": "1.2.3", "engine": engine}
    templates = [ChartFile(f"templates/{path}", text.encode()) for path, text in files.items()]
    chart = Chart(metadata, templates=templates, parent=parent)
    if parent is not None:
        parent.dependencies.append(chart)
    return chart


def render_chart(chart: Chart, values: dict[str, Any] | None = None, **options: Any) -> dict[str, str]:
    release = ReleaseInfo(name="rel", namespace="ns")
    return Engine(EngineOptions(**options)).render(chart, values or {}, release, capabilities())


def render(text: str, values: dict[str, Any] | None = None, helpers: str = "", **options: Any) -> str:
    """The output of one Go template."""
    files = {"vector.yaml": text, **({"_helpers.tpl": helpers} if helpers else {})}
    return render_chart(chart_of(files), values, **options)["gold/templates/vector.yaml"]
