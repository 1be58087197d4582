"""A chart in memory: what was read from a directory or an archive, nothing computed from values.

Knows files and metadata only. Paths are relative to the chart's root, with forward slashes.
"""

from __future__ import annotations

from typing import Any

from pyhelm.records import dataclass, field


@dataclass(frozen=True, slots=True)
class ChartFile:
    """A file of the chart: its path and its bytes (a UTF-8 byte-order mark is stripped on loading)."""

    name: str
    data: bytes
    modtime: float | None = None


@dataclass(slots=True)
class Chart:
    """One chart with its unpacked subcharts.

    `metadata` is Chart.yaml as data (keys as written there); `values` the parsed values.yaml of this chart alone;
    `values_text` its source. `raw` holds every file in the order Helm keeps them. `dependencies` are the charts
    found below charts/, in Helm's order; which of them are enabled is decided by `values.dependencies`.
    """

    metadata: dict[str, Any]
    templates: list[ChartFile] = field(default_factory=list)
    files: list[ChartFile] = field(default_factory=list)
    raw: list[ChartFile] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    values_text: bytes | None = None
    schema: bytes | None = None
    lock: dict[str, Any] | None = None
    dependencies: list[Chart] = field(default_factory=list)
    parent: Chart | None = None
    path: str = ""
    """Where it came from, as given by the user; for messages."""

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or "")

    @property
    def version(self) -> str:
        return str(self.metadata.get("version") or "")

    @property
    def engine(self) -> str:
        """`gotpl` unless Chart.yaml says `engine: jinja2`."""
        return str(self.metadata.get("engine") or "gotpl")

    @property
    def is_library(self) -> bool:
        return str(self.metadata.get("type") or "").lower() == "library"

    @property
    def root(self) -> Chart:
        return self if self.parent is None else self.parent.root

    @property
    def full_path(self) -> str:
        """`parent/charts/child`: what template names begin with."""
        return self.name if self.parent is None else f"{self.parent.full_path}/charts/{self.name}"

    @property
    def dotted_path(self) -> str:
        """`.parent.child`, as Helm's messages name a chart."""
        return self.name if self.parent is None else f"{self.parent.dotted_path}.{self.name}"
