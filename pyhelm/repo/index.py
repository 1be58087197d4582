"""index.yaml: what a repository offers. Reading from a stranger, looking up a version, merging, writing.

Entries are metadata with `urls`, `created`, `digest`; invalid ones are left out with a warning, as Helm does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyhelm.errors import ChartError, RepoError
from pyhelm.formats.semver import Constraint, SemverError, Version
from pyhelm.release.times import format_time

Entry = dict[str, Any]
Warn = Callable[[str, dict[str, Any]], None]


def _silent(message: str, attributes: dict[str, Any]) -> None:
    """Say nothing."""


@dataclass(slots=True)
class Index:
    """Entries by chart name, newest first."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    api_version: str = "v1"
    generated: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, version: str = "", warn: Warn = _silent) -> Entry:
        """The entry asked for: that very version, else the newest that satisfies it. Raises RepoError."""
        if name not in self.entries:
            raise RepoError("no chart name found")
        entries = self.entries[name]
        if not entries:
            raise RepoError("no chart version found")
        try:
            constraint = Constraint.parse(version or "*")
        except SemverError as error:
            raise RepoError(str(error)) from error
        exact = next((e for e in entries if version and e.get("version") == version), None)
        if exact is not None:
            return exact
        for entry in entries:
            found = parsed(entry)
            if found is not None and constraint.check(found):
                if version:
                    words = "unable to find exact version requested; falling back to closest available version"
                    warn(words, {"chart": name, "requested": version, "selected": entry.get("version")})
                return entry
        raise RepoError(f"no chart version found for {name}-{version}")

    def has(self, name: str, version: str) -> bool:
        return any(entry.get("version") == version for entry in self.entries.get(name, []))

    def sort(self) -> None:
        """Newest first; what is no version comes last."""
        for entries in self.entries.values():
            entries.sort(key=_rank, reverse=True)

    def merge(self, other: Index) -> None:
        """Take over the entries of `other` which are not here."""
        for name, entries in other.entries.items():
            for entry in entries:
                if not self.has(name, str(entry.get("version"))):
                    self.entries.setdefault(name, []).append(entry)

    def data(self) -> dict[str, Any]:
        return {
            "apiVersion": self.api_version,
            "entries": self.entries,
            "generated": self.generated or format_time(datetime.now(UTC)),
            **self.extra,
        }


def parsed(entry: Entry) -> Version | None:
    """The version of an entry, None where it is none."""
    try:
        return Version.parse(str(entry.get("version") or ""))
    except SemverError:
        return None


def _rank(entry: Entry) -> tuple[bool, Any]:
    version = parsed(entry)
    return (version is not None, version.key() if version else ())


def load_index(data: bytes, source: str = "", warn: Warn = _silent) -> Index:
    """An index from its text, YAML or JSON. Raises RepoError in Helm's words."""
    from pyhelm.formats.yaml_read import YAMLError, load_strict

    if not data:
        raise RepoError("empty index.yaml file")
    try:
        found = load_strict(data)
    except YAMLError as error:
        raise RepoError(str(error)) from error
    found = {} if found is None else found
    if not isinstance(found, dict):
        word = {list: "array", str: "string", bool: "bool"}.get(type(found), "number")
        raise RepoError(
            "error unmarshaling JSON: while decoding JSON: "
            f"json: cannot unmarshal {word} into Go value of type repo.IndexFile"
        )
    index = Index(_entries(found.get("entries") or {}, source, warn), str(found.get("apiVersion") or ""))
    index.generated = str(found.get("generated") or "")
    index.extra = {key: found[key] for key in ("annotations", "publicKeys", "serverInfo") if found.get(key)}
    index.sort()
    if not index.api_version:
        raise RepoError("no API version specified")
    return index


def load_index_file(path: Path, warn: Warn = _silent) -> Index:
    """Raises RepoError naming the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RepoError(f"open {path}: {(error.strerror or str(error)).lower()}") from error
    try:
        return load_index(data, str(path), warn)
    except RepoError as error:
        raise RepoError(f"error loading {path}: {error}") from error


def _entries(listed: dict[str, Any], source: str, warn: Warn) -> dict[str, list[Entry]]:
    from pyhelm.chart.metadata import validate

    found: dict[str, list[Entry]] = {}
    for name, entries in listed.items():
        found[name] = []
        for entry in entries or []:
            if not isinstance(entry, dict):
                warn(f"skipping loading invalid entry for chart {name!r} from {source}: empty entry", {})
                continue
            entry = {"apiVersion": "v1", **_texts(entry)}
            try:
                validate(entry)
            except ChartError as error:
                if "missing" not in str(error) or "dependenc" not in str(error):
                    quoted = f'"{name}" "{entry.get("version", "")}"'
                    warn(f"skipping loading invalid entry for chart {quoted} from {source}: {error}", {})
                    continue
            found[name].append(entry)
    return found


_TEXTS = ("version", "appVersion", "digest", "name", "description", "created", "kubeVersion", "icon", "home")


def _texts(entry: Entry) -> Entry:
    """Text fields as text, whatever YAML took them for."""
    from pyhelm.formats.floats import format_plain

    changed = dict(entry)
    for key in _TEXTS:
        value = changed.get(key)
        if isinstance(value, bool):
            changed[key] = str(value).lower()
        elif isinstance(value, float):
            changed[key] = format_plain(value)
    return changed


def index_folder(folder: Path, url: str = "") -> Index:
    """An index over the packages of a folder and of its direct subfolders. Raises RepoError for a bad package."""
    index = Index()
    packages = sorted(folder.glob("*.tgz")) + sorted(folder.glob("*/*.tgz"))
    for package in packages:
        index_entry(index, package, package.relative_to(folder).as_posix(), url)
    index.sort()
    return index


def index_entry(index: Index, package: Path, name: str, url: str) -> None:
    """Add one package. Raises RepoError."""
    from pyhelm.chart.load import load_chart

    chart = load_chart(str(package))
    metadata = {key: value for key, value in chart.metadata.items() if value not in (None, "", [], {})}
    entry: Entry = {
        **metadata,
        "created": format_time(datetime.now(UTC)),
        "digest": hashlib.sha256(package.read_bytes()).hexdigest(),
        "urls": [f"{url.rstrip('/')}/{name}" if url else name],
    }
    index.entries.setdefault(chart.name, []).append(entry)


def newest(entries: Iterable[Entry]) -> Entry | None:
    return next(iter(entries), None)
