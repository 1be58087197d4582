"""Unpacking a package into a folder: every name was checked by the reader, nothing existing is overwritten."""

from __future__ import annotations

from pathlib import Path

from pyhelm.chart.archive import read_archive
from pyhelm.chart.metadata import read_metadata
from pyhelm.errors import ChartError


def unpack(package: Path, folder: Path) -> Path:
    """The chart's folder below `folder`. Raises ChartError where something of that name is there already."""
    files = read_archive(package.read_bytes())
    metadata = next((file for file in files if file.name == "Chart.yaml"), None)
    if metadata is None:
        raise ChartError("failed to untar: chart yaml not in base directory")
    name = str(read_metadata(metadata.data).get("name") or "")
    if not name or "/" in name or name in (".", ".."):
        raise ChartError(f"failed to untar: chart name {name!r} is no name of a folder")
    target = folder / name
    if target.exists():
        raise ChartError(f"failed to untar: a file or directory with the name {_shown(target)} already exists")
    for file in files:
        path = target / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    return target


def _shown(path: Path) -> str:
    return path.as_posix()
