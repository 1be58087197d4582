"""Charts from folders and archives.

`load_chart(path)` reads a folder (honouring .helmignore, following links, sorted as Helm walks) or a .tgz;
`from_files` makes a chart, with its subcharts, of files in memory. Error texts are Helm's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from typing import Any

from pyhelm.chart.ignore import Rules
from pyhelm.chart.limits import BOM, MAX_FILE
from pyhelm.chart.metadata import read_dependencies, read_lock, read_metadata, validate
from pyhelm.chart.model import Chart, ChartFile
from pyhelm.chart.values_file import parse_values
from pyhelm.errors import ChartError
from pyhelm.formats.yaml_memory import YamlMemory
from pyhelm.formats.yaml_read import YAMLError

Warn = Callable[[str], None]
OWN_FILES = frozenset({"Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json"})


def load_chart(path: str, warn: Warn = lambda _: None, memory: YamlMemory | None = None) -> Chart:
    """The chart at `path`, a folder or a .tgz. Raises ChartError; `warn` is told what is merely odd; `memory` spares
    parsing what was parsed before."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise ChartError(f'path "{path}" not found') from error
    chart = _load_folder(path, warn, memory) if stat.S_ISDIR(mode) else _load_archive(path, warn, memory)
    chart.path = path
    return chart


def _load_folder(path: str, warn: Warn, memory: YamlMemory | None) -> Chart:
    top = os.path.abspath(path)
    chart_yaml = os.path.join(top, "Chart.yaml")
    if not os.path.exists(chart_yaml):
        why = f"open {chart_yaml}: no such file or directory"
        raise ChartError(f"unable to detect chart at {chart_yaml}: {why}")
    return from_files(read_folder(top, warn), warn, memory=memory)


def _load_archive(path: str, warn: Warn, memory: YamlMemory | None) -> Chart:
    from pyhelm.chart import archive

    with open(path, "rb") as stream:
        data = stream.read()
    if not data.startswith(b"\x1f\x8b"):
        if path.endswith((".yml", ".yaml")):
            raise ChartError(f"file '{path}' seems to be a YAML file, but expected a gzipped archive")
        kind = archive.content_type(data)
        raise ChartError(f"file '{path}' does not appear to be a gzipped archive; got '{kind}'")
    try:
        files = archive.read_archive(data)
    except ChartError as error:
        raise ChartError("unable to load chart archive") from error
    if not any(file.name == "Chart.yaml" for file in files):
        raise ChartError("unable to detect chart version, no Chart.yaml found")
    return from_files(files, warn, memory=memory)


def read_folder(top: str, warn: Warn = lambda _: None) -> list[ChartFile]:
    """The files of a chart's folder that .helmignore leaves, in the order of their paths' components."""
    ignore_file = os.path.join(top, ".helmignore")
    rules = Rules.parse("")
    if os.path.isfile(ignore_file):
        with open(ignore_file, encoding="utf-8", errors="replace") as stream:
            rules = Rules.parse(stream.read())
    out: list[ChartFile] = []
    _walk(top, "", rules, out, warn, frozenset())
    return out


def _walk(folder: str, prefix: str, rules: Rules, out: list[ChartFile], warn: Warn, above: frozenset[str]) -> None:
    real = os.path.realpath(folder)
    if real in above:
        raise ChartError(f"{folder} is a link to a folder that holds it")
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = prefix + entry.name
        is_folder = entry.is_dir()
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            warn(
                f"found symbolic link in path. Contents of linked file included and used {entry.path} resolved={target}"
            )
        if rules.ignore(name, is_folder):
            continue
        if is_folder:
            _walk(entry.path, name + "/", rules, out, warn, above | {real})
        else:
            out.append(_read(entry, name))


def _read(entry: os.DirEntry[str], name: str) -> ChartFile:
    try:
        status = entry.stat()
    except OSError as error:
        raise ChartError(f"error reading {name}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise ChartError(f"cannot load irregular file {entry.path} as it has file mode type bits set")
    if status.st_size > MAX_FILE:
        raise ChartError(f"chart file {entry.name!r} is larger than the maximum file size {MAX_FILE}")
    try:
        with open(entry.path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise ChartError(f"error reading {name}: {error.strerror}") from error
    return ChartFile(name, data.removeprefix(BOM), status.st_mtime)


def from_files(
    files: Iterable[ChartFile],
    warn: Warn = lambda _: None,
    parent: Chart | None = None,
    memory: YamlMemory | None = None,
) -> Chart:
    """A chart of files in memory (paths relative to its root), with its subcharts. Raises ChartError."""
    listed = list(files)
    chart = Chart(metadata=_metadata_of(listed, memory), raw=listed, parent=parent)
    below: dict[str, list[ChartFile]] = {}
    for file in listed:
        _place(chart, file, below, warn, memory)
    validate(chart.metadata)
    for name in sorted(below):
        found = _subchart(name, below[name], chart, warn, memory)
        if found is not None:
            chart.dependencies.append(found)
    return chart


def _metadata_of(files: list[ChartFile], memory: YamlMemory | None) -> dict[str, Any]:
    for file in files:
        if file.name == "Chart.yaml":
            metadata = _metadata(file.data, memory)
            metadata.setdefault("apiVersion", "v1")
            if not metadata["apiVersion"]:
                metadata["apiVersion"] = "v1"
            return metadata
    raise ChartError("Chart.yaml file is missing")


def _metadata(data: bytes, memory: YamlMemory | None) -> dict[str, Any]:
    return dict(_recalled(memory, "metadata", data, lambda: read_metadata(data)))


def _recalled(memory: YamlMemory | None, kind: str, data: bytes, parse: Callable[[], Any]) -> Any:
    return parse() if memory is None else memory.recall(kind, data, parse)


def _place(
    chart: Chart, file: ChartFile, below: dict[str, list[ChartFile]], warn: Warn, memory: YamlMemory | None
) -> None:
    """Give one file its room."""
    name = file.name
    version_1 = chart.metadata["apiVersion"] == "v1"
    if name in OWN_FILES:
        _own(chart, file, memory)
    elif name == "requirements.yaml":
        if not version_1:
            warn('dependencies are handled in Chart.yaml since apiVersion "v2"; move them there from requirements.yaml')
        chart.metadata["dependencies"] = _recalled(memory, name, file.data, lambda: read_dependencies(file.data, name))
        if version_1:
            chart.files.append(file)
    elif name == "requirements.lock":
        chart.lock = _recalled(memory, name, file.data, lambda: read_lock(file.data, name))
        if version_1:
            chart.files.append(file)
    elif name.startswith("templates/"):
        chart.templates.append(file)
    elif name.startswith("charts/") and not name.endswith(".prov"):
        inner = name.removeprefix("charts/")
        below.setdefault(inner.partition("/")[0], []).append(ChartFile(inner, file.data, file.modtime))
    else:
        chart.files.append(file)


def _own(chart: Chart, file: ChartFile, memory: YamlMemory | None) -> None:
    if file.name == "values.yaml":
        chart.values_text = file.data
        chart.values = _recalled(memory, "values", file.data, lambda: _values(file.data))
    elif file.name == "values.schema.json":
        chart.schema = file.data
    elif file.name == "Chart.lock":
        chart.lock = _recalled(memory, file.name, file.data, lambda: read_lock(file.data, file.name))


def _values(data: bytes) -> dict[str, Any]:
    try:
        return parse_values(data)
    except YAMLError as error:
        raise ChartError(f"cannot load values.yaml: {error}") from error


def _subchart(name: str, files: list[ChartFile], parent: Chart, warn: Warn, memory: YamlMemory | None) -> Chart | None:
    """One entry of charts/: an archive, or a folder of files; None for what Helm passes over."""
    if name.startswith(("_", ".")):
        return None
    if name.endswith(".tgz"):
        if files[0].name != name:
            expected = f"error unpacking subchart tar in {parent.name}: expected {name}, got {files[0].name}"
            raise ChartError(expected)
        from pyhelm.chart import archive

        try:
            return from_files(archive.read_archive(files[0].data), warn, parent, memory)
        except ChartError as error:
            raise ChartError(f"error unpacking subchart {name} in {parent.name}: {error}") from error
    inner = [ChartFile(f.name.partition("/")[2], f.data, f.modtime) for f in files if "/" in f.name]
    try:
        return from_files(inner, warn, parent, memory)
    except ChartError as error:
        raise ChartError(f"error unpacking subchart {name} in {parent.name}: {error}") from error
