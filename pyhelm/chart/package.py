"""Making a .tgz of a chart: Chart.yaml written anew, then what else belongs to it, in Helm's order.

Times of the files are kept, so that packaging the same tree twice gives the same archive.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
import zlib
from datetime import datetime
from typing import Any

from pyhelm.chart.metadata import validate
from pyhelm.chart.model import Chart
from pyhelm.errors import ChartError
from pyhelm.formats.semver import SemverError, Version
from pyhelm.formats.yaml_write import dump

__all__ = ["chart_yaml", "dump_lock", "package_bytes", "package_chart"]

_EXTRA = b"+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo="
"""The header Helm's archives carry."""
_COMMENT = b"Helm"

_FIELDS = (
    "name", "home", "sources", "version", "description", "keywords", "maintainers", "icon", "apiVersion", "condition",
    "tags", "appVersion", "deprecated", "annotations", "kubeVersion", "dependencies", "type", "engine",
)  # fmt: skip
_DEPENDENCY_FIELDS = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")
_ALWAYS = frozenset({"name", "repository"})


def chart_yaml(metadata: dict[str, Any]) -> bytes:
    """Chart.yaml as Helm writes it: known fields that are not empty; a v1 chart keeps no dependencies there."""
    kept: dict[str, Any] = {}
    for key in _FIELDS:
        value = metadata.get(key)
        if not value or (key == "dependencies" and metadata.get("apiVersion") == "v1"):
            continue
        kept[key] = _nested(key, value)
    return dump(kept).encode("utf-8", "surrogateescape")


def _nested(key: str, value: Any) -> Any:
    if key == "dependencies":
        return [dependency_record(entry) for entry in value]
    if key == "maintainers":
        return [{name: entry[name] for name in ("name", "email", "url") if entry.get(name)} for entry in value]
    return value


def dependency_record(entry: dict[str, Any]) -> dict[str, Any]:
    """A dependency with its known fields; name and repository are always written."""
    out: dict[str, Any] = {}
    for key in _DEPENDENCY_FIELDS:
        value = entry.get(key)
        if value or key in _ALWAYS:
            out[key] = value or ""
    return out


def dump_lock(lock: dict[str, Any]) -> bytes:
    """Chart.lock: dependencies, digest and the time of generation."""
    listed = [dependency_record(entry) for entry in lock.get("dependencies") or []]
    data = {
        "dependencies": listed or None,
        "digest": lock.get("digest") or "",
        "generated": lock.get("generated") or "0001-01-01T00:00:00Z",
    }
    if isinstance(lock.get("dependencies"), list) and not listed:
        data["dependencies"] = []
    return dump(data).encode()


def package_chart(chart: Chart, destination: str, *, version: str = "", app_version: str = "") -> str:
    """Writes NAME-VERSION.tgz into `destination` and returns its path. Raises ChartError.

    `version` and `app_version` replace those of Chart.yaml. `.` as destination is the working directory.
    """
    from pyhelm.chart.checks import check_vendored

    metadata = {**chart.metadata, **({"version": version} if version else {})}
    try:
        Version.parse(str(metadata.get("version") or ""))
    except SemverError as error:
        raise ChartError(str(error)) from None
    if app_version:
        metadata["appVersion"] = app_version
    check_vendored(chart)
    validate(metadata)
    folder = os.getcwd() if destination == "." else destination
    path = os.path.join(folder, f"{metadata['name']}-{metadata['version']}.tgz")
    _check_name(str(metadata["name"]))
    data = package_bytes(chart, metadata)
    _write(path, data)
    return path


def _write(path: str, data: bytes) -> None:
    folder = os.path.dirname(path)
    try:
        if folder and os.path.exists(folder) and not os.path.isdir(folder):
            raise ChartError(f"failed to save: is not a directory: {folder}")
        os.makedirs(folder or ".", exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise ChartError(f"failed to save: {error.strerror}: {path}") from error


def _check_name(name: str) -> None:
    base = os.path.basename(name)
    if base != name:
        raise ChartError(f'failed to save: "{name}" is not a valid chart name')


def package_bytes(chart: Chart, metadata: dict[str, Any] | None = None) -> bytes:
    """The archive of a chart with its subcharts."""
    tar_data = io.BytesIO()
    with tarfile.open(fileobj=tar_data, mode="w", format=tarfile.GNU_FORMAT) as tar:
        _add_chart(tar, chart, metadata or chart.metadata, "")
    return _compressed(tar_data.getvalue())


def _compressed(data: bytes) -> bytes:
    """gzip with the extra field and the comment by which Helm's archives are known."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = compressor.compress(data) + compressor.flush()
    flags = 0x04 | 0x10
    header = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0" + b"\0\xff"
    header += len(_EXTRA).to_bytes(2, "little") + _EXTRA + _COMMENT + b"\0"
    return header + body + zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")


def _add(tar: tarfile.TarFile, name: str, data: bytes, modtime: float | None) -> None:
    member = tarfile.TarInfo(name)
    member.mode = 0o644
    member.size = len(data)
    member.mtime = int(modtime if modtime else time.time())
    tar.addfile(member, io.BytesIO(data))


def _add_chart(tar: tarfile.TarFile, chart: Chart, metadata: dict[str, Any], prefix: str) -> None:
    base = f"{prefix}{metadata['name']}/"
    times = {file.name: file.modtime for file in chart.raw}
    _add(tar, base + "Chart.yaml", chart_yaml(metadata), times.get("Chart.yaml"))
    if chart.lock is not None and metadata.get("apiVersion") == "v2":
        _add(tar, base + "Chart.lock", dump_lock(chart.lock), _generated(chart.lock))
    for file in chart.raw:
        if file.name == "values.yaml":
            _add(tar, base + file.name, file.data, file.modtime)
    if chart.schema is not None:
        _check_json(chart.schema)
        _add(tar, base + "values.schema.json", chart.schema, times.get("values.schema.json"))
    for file in (*chart.templates, *chart.files):
        _add(tar, base + file.name, file.data, file.modtime)
    for child in chart.dependencies:
        _add_chart(tar, child, child.metadata, base + "charts/")


def _generated(lock: dict[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(str(lock.get("generated") or "")).timestamp()
    except (ValueError, OverflowError):
        return None


def _check_json(schema: bytes) -> None:
    try:
        json.loads(schema)
    except ValueError:
        raise ChartError("failed to save: invalid JSON in values.schema.json") from None
