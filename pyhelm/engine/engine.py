"""Renders a chart: gathers templates and their data, links compiled code, runs the files in Helm's order.

Pure but for the cache folder it is given. What a chart's values are was decided before; what its output means is
decided after.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pyhelm.chart.model import Chart
from pyhelm.engine.interface import Capabilities, EngineOptions, ReleaseInfo
from pyhelm.engine.objects import Files, capabilities_object, chart_object, release_object
from pyhelm.engine.program import Program
from pyhelm.engine.runtime import Scope
from pyhelm.records import dataclass, field

__all__ = ["Engine", "Source", "deep_stack", "gather", "render_order"]

_FRAMES = 120_000
"""Python frames a render may stack: Helm's limits of recursion are reached well before."""


@dataclass(slots=True)
class Source:
    """A template file: its full name, its text and the data it is run with."""

    name: str
    text: bytes
    scope: Scope
    base_path: str
    dialect: str = "gotpl"
    chart: str = ""
    values: dict[str, Any] = field(default_factory=dict)


class Engine:
    """Renders charts with one set of options. Reusable; not for two threads at once."""

    def __init__(self, options: EngineOptions | None = None) -> None:
        self.options = options or EngineOptions()

    def render(
        self, chart: Chart, values: dict[str, Any], release: ReleaseInfo, capabilities: Capabilities
    ) -> dict[str, str]:
        """Path of a template (`chart/templates/x.yaml`) -> its text, in the order Helm renders them.

        `chart` has its dependencies processed, `values` are the coalesced values of the root chart (subcharts' own
        values stand below their names). Raises TemplateError.
        """
        sources = gather(chart, values, release_object(release), capabilities_object(capabilities))
        return self.render_sources(sources)

    def render_sources(self, sources: Mapping[str, Source]) -> dict[str, str]:
        """Render gathered files; partials (base name `_…`) are left out."""
        ordered = [sources[name] for name in sorted(sources, key=render_order, reverse=True)]
        program = Program(self.options, ordered)
        with deep_stack():
            program.link()
            rendered = {}
            for source in ordered:
                if source.name.rpartition("/")[2].startswith("_"):
                    continue
                source.scope["Template"] = {"Name": source.name, "BasePath": source.base_path}
                rendered[source.name] = program.run(source).replace("<no value>", "")
        program.save()
        return rendered


def render_order(name: str) -> tuple[int, bytes]:
    return name.count("/"), name.encode("utf-8", "surrogateescape")


class deep_stack:
    """Allow deep recursion while templates run."""

    def __enter__(self) -> None:
        self.before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(self.before, _FRAMES))

    def __exit__(self, *_: object) -> None:
        sys.setrecursionlimit(self.before)


def gather(
    chart: Chart, values: dict[str, Any], release: dict[str, Any], capabilities: Any
) -> dict[str, Source]:
    """Every template file of a chart and its subcharts, each chart with data of its own."""
    found: dict[str, Source] = {}
    _gather(chart, values, release, capabilities, found)
    return found


def _gather(
    chart: Chart, values: dict[str, Any], release: dict[str, Any], capabilities: Any, found: dict[str, Source]
) -> Scope:
    subcharts: dict[str, Any] = {}
    scope = Scope(
        Chart=chart_object(chart),
        Files=Files({file.name: file.data for file in chart.files}),
        Release=release,
        Capabilities=capabilities,
        Values=Scope(values),
        Subcharts=subcharts,
    )
    for child in chart.dependencies:
        own = values.get(child.name)
        subcharts[child.name] = _gather(child, own if isinstance(own, dict) else {}, release, capabilities, found)
    for source in _sources(chart, scope):
        found[source.name] = source
    return scope


def _sources(chart: Chart, scope: Scope) -> Iterator[Source]:
    path, base, library, dialect = chart.full_path, f"{chart.full_path}/templates", chart.is_library, chart.engine
    if dialect == "jinja2" and (chart.metadata.get("annotations") or {}).get("pyhelm.dev/semantics") == "go":
        dialect = "jinja2+go"
    for file in chart.templates:
        if library and not file.name.rpartition("/")[2].startswith("_"):
            continue
        yield Source(f"{path}/{file.name}", file.data, scope, base, dialect, path)

