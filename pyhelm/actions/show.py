"""Show: the parts of a chart, as text."""

from __future__ import annotations

from pyhelm.actions.render import crd_objects
from pyhelm.chart.model import Chart, ChartFile
from pyhelm.release.model import metadata_record
from pyhelm.release.wire import yaml_text

_READMES = ("readme.md", "readme.txt", "readme")


def show_chart(chart: Chart) -> str:
    return f"{yaml_text(metadata_record(chart.metadata))}\n"


def show_values(chart: Chart, *, separated: bool = False) -> str:
    """values.yaml as it was written."""
    if chart.values_text is None:
        return ""
    return ("---\n" if separated else "") + f"{chart.values_text.decode('utf-8', 'replace')}\n"


def show_readme(chart: Chart, *, separated: bool = False) -> str:
    found = readme(chart)
    if found is None:
        return ""
    return ("---\n" if separated else "") + f"{found.data.decode('utf-8', 'replace')}\n"


def readme(chart: Chart) -> ChartFile | None:
    return next((file for file in chart.files if file.name.lower() in _READMES), None)


def show_crds(chart: Chart) -> str:
    parts = []
    for document in crd_objects(chart):
        head = "" if document.text.startswith("---") else "---\n"
        parts.append(f"{head}{document.text}\n")
    return "".join(parts)


def show_all(chart: Chart) -> str:
    return (
        show_chart(chart)
        + show_values(chart, separated=True)
        + show_readme(chart, separated=True)
        + show_crds(chart)
    )
