"""A release: one revision of a chart in a namespace, as it is recorded.

The chart stands here in the shape of the record (metadata, templates, values …), for a record read back holds no
more; `chart_record` makes it from a loaded chart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pyhelm.errors import ReleaseError
from pyhelm.manifest.hooks import Hook
from pyhelm.records import dataclass, field, replace
from pyhelm.release.status import Status, may_follow

if TYPE_CHECKING:
    from pyhelm.chart.model import Chart

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
NAME_LIMIT = 53
SYSTEM_LABELS = ("name", "owner", "status", "version", "createdAt", "modifiedAt")
"""Labels of the record itself, which a user may not set."""

_NAME = re.compile(NAME_PATTERN.replace("$", r"\Z"))


@dataclass(slots=True)
class Info:
    """What happened to a revision and when; times as RFC 3339 text, "" for never."""

    first_deployed: str = ""
    last_deployed: str = ""
    deleted: str = ""
    description: str = ""
    status: Status = Status.UNKNOWN
    notes: str = ""
    resources: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Live objects by `group/version/Kind`, filled for showing, never recorded."""


@dataclass(slots=True)
class Release:
    """One revision. `config` are the user's values; `labels` the user's labels of the record."""

    name: str
    namespace: str
    version: int = 1
    info: Info = field(default_factory=Info)
    chart: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    manifest: str = ""
    hooks: list[Hook] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    apply_method: str = ""

    @property
    def metadata(self) -> dict[str, Any]:
        return self.chart.get("metadata") or {}

    @property
    def chart_label(self) -> str:
        """`name-version` of the chart, as tables show it."""
        if not self.metadata.get("name"):
            return "MISSING"
        return f"{self.metadata['name']}-{self.metadata.get('version', '')}"

    @property
    def app_version(self) -> str:
        if not self.metadata.get("name"):
            return "MISSING"
        return str(self.metadata.get("appVersion") or "")

    @property
    def status(self) -> Status:
        return self.info.status

    def moved(self, status: Status, description: str) -> None:
        """Go to another state. Raises ReleaseError where that may not follow."""
        if not may_follow(self.info.status, status):
            raise ReleaseError(
                f"release {self.name} revision {self.version} is {self.info.status} and cannot become {status}"
            )
        self.info = replace(self.info, status=status, description=description)

    def hooks_for(self, event: str) -> list[Hook]:
        """Hooks of one event in the order they run."""
        from pyhelm.manifest.hooks import execution_order

        return execution_order(self.hooks, event)


def check_name(name: str) -> None:
    """Raise ReleaseError for a name Helm would refuse."""
    if not name:
        raise ReleaseError("release name is invalid: no name provided")
    if len(name) > NAME_LIMIT or not _NAME.match(name):
        raise ReleaseError(
            f'release name "{name}": invalid release name, must match regex {NAME_PATTERN} '
            f"and the length must not be longer than {NAME_LIMIT}"
        )


def chart_record(chart: Chart) -> dict[str, Any]:
    """A loaded chart in the shape records hold; subcharts are not part of it, only what they rendered."""
    import base64

    def files(entries: list[Any]) -> list[dict[str, Any]]:
        return [{"name": f.name, "data": base64.b64encode(f.data).decode()} for f in entries]

    return {
        "metadata": metadata_record(chart.metadata),
        "lock": chart.lock,
        "templates": files(chart.templates),
        "values": chart.values,
        "schema": base64.b64encode(chart.schema).decode() if chart.schema is not None else None,
        "files": files(chart.files),
    }


_METADATA_FIELDS = (
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
)


def metadata_record(metadata: dict[str, Any]) -> dict[str, Any]:
    """Chart.yaml's known fields in the order Go writes them, then what only pyhelm reads (`engine`)."""
    known = {key: metadata[key] for key in _METADATA_FIELDS if metadata.get(key)}
    if metadata.get("engine"):
        known["engine"] = metadata["engine"]
    return known
