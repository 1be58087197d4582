"""The lint rules that look at Chart.yaml and at what is vendored; templates and values are judged by `actions.lint`.

A rule answers the text of its complaint or "". The order of the rules is the order of Helm's output.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pyhelm.chart.metadata import read_metadata
from pyhelm.chart.model import Chart
from pyhelm.errors import ChartError
from pyhelm.formats.quoting import quote
from pyhelm.formats.semver import SemverError, Version
from pyhelm.formats.yaml_read import YAMLError, load, load_strict

__all__ = ["Message", "Severity", "chart_file_messages", "dependency_messages", "lint_words"]


class Severity(IntEnum):
    """How bad a message is."""

    INFO = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Message:
    """One finding: `[ERROR] Chart.yaml: name is required`."""

    severity: Severity
    path: str
    text: str

    def __str__(self) -> str:
        return f"[{self.severity.name}] {self.path}: {self.text}"


_FILE = "Chart.yaml"
_KNOWN = frozenset(
    {
        "name", "home", "sources", "version", "description", "keywords", "maintainers", "icon", "apiVersion",
        "condition", "tags", "appVersion", "deprecated", "annotations", "kubeVersion", "dependencies", "type", "engine",
    }
)  # fmt: skip
_KNOWN_DEPENDENCY = frozenset(
    {"name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"}
)
_KNOWN_MAINTAINER = frozenset({"name", "email", "url"})


def lint_words(error: Exception) -> str:
    """A loading error as the linter words it: it knows the metadata's type by another name."""
    return str(error).replace("Go value of type loader.chartBase", "Go value of type v2.Metadata")


def chart_file_messages(folder: str) -> Iterator[Message]:
    """What is wrong with Chart.yaml."""
    path = os.path.join(folder, _FILE)
    if os.path.isdir(path):
        yield Message(Severity.ERROR, _FILE, "should be a file, not a directory")
    try:
        with open(path, "rb") as stream:
            data = stream.read()
        metadata = read_metadata(data)
    except OSError as error:
        yield Message(Severity.ERROR, _FILE, f"unable to parse YAML\n\tread {path}: {_words(error)}")
        return
    except ChartError as error:
        words = lint_words(error).removeprefix(f"cannot load {_FILE}: ")
        yield Message(Severity.ERROR, _FILE, f"unable to parse YAML\n\t{words}")
        return
    strict = _strict_fault(data)
    if strict:
        yield Message(Severity.WARNING, _FILE, f"failed to strictly parse chart metadata file\n\t{strict}")
    yield from _metadata_messages(metadata, load(data) or {})


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _metadata_messages(metadata: dict[str, Any], written: Any) -> Iterator[Message]:
    rules = (
        (Severity.ERROR, _name(metadata)),
        (Severity.ERROR, _api_version(metadata)),
        (Severity.ERROR, _is_text(written, "version")),
        (Severity.ERROR, _version(metadata)),
        (Severity.ERROR, _is_text(written, "appVersion")),
        (Severity.ERROR, _maintainers(metadata)),
        (Severity.ERROR, _sources(metadata)),
        (Severity.INFO, "" if metadata.get("icon") else "icon is recommended"),
        (Severity.ERROR, _icon(metadata)),
        (Severity.ERROR, _only_v2(metadata, "type", "chart type is", "It is valid in apiVersion 'v2'")),
        (Severity.ERROR, _dependencies_placed(metadata)),
        (Severity.WARNING, _strict_version(metadata)),
    )
    for severity, text in rules:
        if text:
            yield Message(severity, _FILE, text)


def _strict_fault(data: bytes) -> str:
    try:
        found = load_strict(data)
    except YAMLError as error:
        return str(error)
    unknown = _unknown_field(found) if isinstance(found, dict) else ""
    return f"error unmarshaling JSON: while decoding JSON: json: unknown field {quote(unknown)}" if unknown else ""


def _unknown_field(found: dict[str, Any]) -> str:
    for key in sorted(found):
        if key not in _KNOWN and key.lower() not in {name.lower() for name in _KNOWN}:
            return key
        known = {"dependencies": _KNOWN_DEPENDENCY, "maintainers": _KNOWN_MAINTAINER}.get(key)
        for entry in found[key] if known and isinstance(found[key], list) else ():
            strange = sorted(set(entry) - known) if known and isinstance(entry, dict) else []
            if strange:
                return str(strange[0])
    return ""


def _text(metadata: dict[str, Any], key: str) -> str:
    return str(metadata.get(key) or "")


def _name(metadata: dict[str, Any]) -> str:
    name = _text(metadata, "name")
    if not name:
        return "name is required"
    return f"chart name {quote(name)} is invalid" if os.path.basename(name) != name else ""


def _api_version(metadata: dict[str, Any]) -> str:
    version = _text(metadata, "apiVersion")
    wanted = 'The value must be either "v1" or "v2"'
    if not version:
        return f"apiVersion is required. {wanted}"
    return f"apiVersion '{version}' is not valid. {wanted}" if version not in ("v1", "v2") else ""


def _is_text(written: Any, key: str) -> str:
    from pyhelm.formats.gotypes import type_of

    if not isinstance(written, dict) or key not in written or isinstance(written[key], str):
        return ""
    return f"{key} should be of type string but it's of type {type_of(written[key])}"


def _version(metadata: dict[str, Any]) -> str:
    text = _text(metadata, "version")
    if not text:
        return "version is required"
    try:
        version = Version.parse(text)
    except SemverError:
        return f"version '{text}' is not a valid SemVer"
    least = Version.parse("0.0.0-0")
    return "" if version > least else f"version {text} is less than or equal to 0.0.0-0"


def _strict_version(metadata: dict[str, Any]) -> str:
    text = _text(metadata, "version")
    try:
        Version.parse_strict(text)
    except SemverError:
        return f"version '{text}' is not a valid SemVerV2"
    return ""


_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^\s/@]+@)?(?:[^\s./:]+\.)*[^\s./:]+(?::\d+)?(?:[/?#]\S*)?")


def _maintainers(metadata: dict[str, Any]) -> str:
    for entry in metadata.get("maintainers") or []:
        if not isinstance(entry, dict):
            return "a maintainer entry is empty"
        name, email, url = (str(entry.get(key) or "") for key in ("name", "email", "url"))
        if not name:
            return "each maintainer requires a name"
        if email and not _EMAIL.fullmatch(email):
            return f"invalid email '{email}' for maintainer '{name}'"
        if url and not (len(url) > 3 and _URL.fullmatch(url)):
            return f"invalid url '{url}' for maintainer '{name}'"
    return ""


_REQUEST_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://[^\s/?#]*(?:[/?#].*)?|(?!//).*)", re.S)


def _sources(metadata: dict[str, Any]) -> str:
    for source in metadata.get("sources") or []:
        if not _REQUEST_URL.fullmatch(str(source)):
            return f"invalid source URL '{source}'"
    return ""


def _icon(metadata: dict[str, Any]) -> str:
    icon = _text(metadata, "icon")
    return f"invalid icon URL '{icon}'" if icon and not _REQUEST_URL.fullmatch(icon) else ""


def _only_v2(metadata: dict[str, Any], key: str, what: str, advice: str) -> str:
    version = _text(metadata, "apiVersion")
    return f"{what} not valid in apiVersion '{version}'. {advice}" if metadata.get(key) and version != "v2" else ""


def _dependencies_placed(metadata: dict[str, Any]) -> str:
    version = _text(metadata, "apiVersion")
    if not metadata.get("dependencies") or version == "v2":
        return ""
    place = f"dependencies are not valid in the Chart file with apiVersion '{version}'"
    return f"{place}. They are valid in apiVersion 'v2'"


def dependency_messages(chart: Chart, folder: str) -> Iterator[Message]:
    """Whether Chart.yaml and charts/ agree; `folder` is the absolute path the messages name."""
    asked = [entry for entry in chart.metadata.get("dependencies") or [] if isinstance(entry, dict)]
    names = [str(entry.get("name") or "") for entry in asked]
    there = [child.name for child in chart.dependencies]
    unlisted = [name for name in there if name not in names]
    if unlisted:
        text = f"chart metadata is missing these dependencies: {','.join(unlisted)}"
        yield Message(Severity.ERROR, folder, text)
    keys = [str(entry.get("alias") or entry.get("name") or "") for entry in asked]
    doubled = [key for place, key in enumerate(keys) if key in keys[:place]]
    if doubled:
        yield Message(Severity.ERROR, folder, f"multiple dependencies with name or alias: {','.join(doubled)}")
    missing = [name for name in names if name not in there]
    if missing:
        text = f"chart directory is missing these dependencies: {','.join(missing)}"
        yield Message(Severity.WARNING, folder, text)
