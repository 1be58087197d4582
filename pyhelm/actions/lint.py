"""Linting charts: Chart.yaml, values, templates as they render, dependencies, CRDs; in Helm's order and words."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pyhelm.actions.context import Log, no_log
from pyhelm.chart.lint import Message, Severity, chart_file_messages, dependency_messages, lint_words
from pyhelm.chart.model import Chart
from pyhelm.engine.interface import Capabilities, EngineOptions, ReleaseInfo
from pyhelm.errors import ChartError, PyhelmError, TemplateError, ValuesError
from pyhelm.formats.yaml_read import YAMLError

__all__ = ["LintOptions", "LintResult", "lint", "with_subcharts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LintOptions:
    """How to lint; `capabilities` is what templates are told of the cluster."""

    capabilities: Capabilities
    namespace: str = "default"
    strict: bool = False
    skip_schema_validation: bool = False
    log: Log = no_log


@dataclass(slots=True)
class LintResult:
    """What was found in one chart; `errors` are those that make it fail."""

    messages: list[Message] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def notable(self) -> bool:
        """Whether there is more than information."""
        return bool(self.errors) or any(message.severity > Severity.INFO for message in self.messages)


def with_subcharts(path: str) -> Iterator[str]:
    """The charts below charts/ of a chart's folder: folders with a Chart.yaml, and archives."""
    for folder, folders, files in os.walk(os.path.join(path, "charts")):
        folders.sort()
        for name in sorted(files):
            if name == "Chart.yaml":
                yield folder
            elif name.endswith((".tgz", ".tar.gz")):
                yield os.path.join(folder, name)


def lint(path: str, values: dict[str, Any], options: LintOptions) -> LintResult:
    """Lint the chart at `path`, a folder or an archive, with the user's values."""
    result = LintResult()
    try:
        if path.endswith((".tgz", ".tar.gz")):
            with tempfile.TemporaryDirectory(prefix="pyhelm-lint-") as folder:
                _lint_folder(_expanded(path, folder), values, options, result)
        else:
            _lint_folder(path, values, options, result)
    except ChartError as error:
        result.errors.append(str(error))
        return result
    least = Severity.WARNING if options.strict else Severity.ERROR
    result.errors += [message.text for message in result.messages if message.severity >= least]
    return result


def _expanded(path: str, folder: str) -> str:
    from pyhelm.chart.archive import read_archive

    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise ChartError(f"unable to open tarball: open {path}: {(error.strerror or '').lower()}") from error
    if len(data) < 10:
        raise ChartError("unable to extract tarball: unexpected EOF")
    try:
        files = read_archive(data)
    except ChartError as error:
        raise ChartError(f"unable to extract tarball: {error}") from error
    top = os.path.join(folder, "chart")
    for file in files:
        target = os.path.join(top, *file.name.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as out:
            out.write(file.data)
    return top


def _lint_folder(path: str, values: dict[str, Any], options: LintOptions, result: LintResult) -> None:
    chart_yaml = os.path.join(path, "Chart.yaml")
    if not os.path.exists(chart_yaml):
        why = f"stat {chart_yaml}: no such file or directory"
        raise ChartError(f"unable to check Chart.yaml file in chart: {why}")
    folder = os.path.abspath(path)
    result.messages += chart_file_messages(folder)
    result.messages += _values_messages(folder, values, options)
    result.messages += _template_messages(folder, values, options)
    result.messages += _dependency_messages(folder)
    result.messages += _crd_messages(folder)


def _values_messages(folder: str, values: dict[str, Any], options: LintOptions) -> Iterator[Message]:
    from pyhelm.formats.yaml_read import load_map

    path = os.path.join(folder, "values.yaml")
    if not os.path.exists(path):
        yield Message(Severity.INFO, "values.yaml", "file does not exist")
        return
    try:
        with open(path, "rb") as stream:
            own = load_map(stream.read(), "common.Values")
    except YAMLError as error:
        yield Message(Severity.ERROR, "values.yaml", f"unable to parse YAML: {error}")
        return
    fault = "" if options.skip_schema_validation else _schema_fault(folder, own, values)
    if fault:
        yield Message(Severity.ERROR, "values.yaml", fault)


def _schema_fault(folder: str, own: dict[str, Any], values: dict[str, Any]) -> str:
    from pyhelm.values.coalesce import copy_values, merge_tables

    try:
        with open(os.path.join(folder, "values.schema.json"), "rb") as stream:
            schema = stream.read()
    except FileNotFoundError:
        return ""
    if not schema:
        return ""
    from pyhelm.values.schema import schema_fault

    text = schema_fault(schema, merge_tables(copy_values(values), copy_values(own)))
    return text + "\n" if _is_violation(text) else text


def _is_violation(text: str) -> bool:
    """Violations end with a newline in Helm's words; a schema that cannot be read does not."""
    return text.rpartition("\n")[2].lstrip().startswith("- ")


def _loaded(folder: str) -> Chart:
    from pyhelm.chart.load import load_chart

    try:
        return load_chart(folder)
    except ChartError as error:
        raise ChartError(lint_words(error)) from error


def _template_messages(folder: str, values: dict[str, Any], options: LintOptions) -> Iterator[Message]:
    place = "templates/"
    path = os.path.join(folder, "templates")
    if not os.path.exists(path):
        yield Message(Severity.WARNING, place, "directory does not exist")
        return
    if not os.path.isdir(path):
        yield Message(Severity.ERROR, place, "not a directory")
        return
    try:
        chart, files = _rendered(folder, values, options)
    except TemplateError as error:
        yield Message(Severity.ERROR, place, error.helm.removesuffix("\n"))
        return
    except ValuesError as error:
        text = str(error)
        yield Message(Severity.ERROR, place, text + "\n" if _is_violation(text) else text)
        return
    except PyhelmError as error:
        yield Message(Severity.ERROR, place, str(error))
        return
    if chart is not None:
        for template in chart.templates:
            yield from _file_messages(template.name, files.get(f"{chart.name}/{template.name}", ""), options)


def _rendered(folder: str, values: dict[str, Any], options: LintOptions) -> tuple[Chart | None, dict[str, str]]:
    """The chart and its rendered files; None where values and dependencies do not go together: Helm is silent then."""
    from pyhelm.engine.engine import Engine
    from pyhelm.values.coalesce import coalesce_values
    from pyhelm.values.dependencies import process

    loaded = _loaded(folder)
    try:
        chart = process(loaded, values)
        effective = coalesce_values(chart, values)
    except PyhelmError:
        return None, {}
    if not options.skip_schema_validation:
        _check_schemas(chart, effective)
    release = ReleaseInfo(name="test-release", namespace=options.namespace, is_install=False, revision=0)
    engine = Engine(EngineOptions(lint=True, replace=_softened(options.log)))
    return chart, dict(engine.render(chart, effective, release, options.capabilities))


def _check_schemas(chart: Chart, values: dict[str, Any]) -> None:
    def has_schema(part: Chart) -> bool:
        return part.schema is not None or any(map(has_schema, part.dependencies))

    if has_schema(chart):
        from pyhelm.values.schema import check_values

        check_values(chart, values)


def _softened(log: Log) -> dict[str, Callable[..., Any]]:
    """required and fail only say what they miss while linting."""

    def required(message: str, value: Any) -> Any:
        if value is None or (isinstance(value, str) and not value):
            log("WARN", "missing required value", {"message": message})
            return ""
        return value

    def fail(message: str) -> str:
        log("INFO", "funcMap fail", {"message": message})
        return ""

    return {"required": required, "fail": fail}


def _file_messages(name: str, text: str, options: LintOptions) -> Iterator[Message]:
    from pyhelm.manifest.lint import decoded, errors_of, indent_fault, warnings_of

    extension = os.path.splitext("x" + name.rpartition("/")[2])[1]
    if extension not in (".yaml", ".yml", ".tpl", ".txt"):
        advice = "Valid extensions are .yaml, .yml, .tpl, or .txt"
        yield Message(Severity.ERROR, name, f"file extension '{extension}' not valid. {advice}")
    if extension.lower() not in (".yaml", ".yml") or not text.strip():
        return
    fault = indent_fault(text)
    if fault:
        yield Message(Severity.WARNING, name, fault)
    for document in decoded(text):
        if isinstance(document, YAMLError):
            yield Message(Severity.ERROR, name, f"unable to parse YAML: {document}")
            return
        for warning in warnings_of(document, _numbers(options.capabilities.kube_version)):
            yield Message(Severity.WARNING, name, warning)
        for error in errors_of(document, text):
            yield Message(Severity.ERROR, name, error)


def _numbers(version: str) -> tuple[int, int]:
    major, minor = (version.lstrip("v") + ".0").split(".")[:2]
    return int(major), int("".join([char for char in minor if char.isdigit()]) or 0)


def _dependency_messages(folder: str) -> Iterator[Message]:
    try:
        chart = _loaded(folder)
    except ChartError as error:
        yield Message(Severity.ERROR, "", f"unable to load chart\n\t{error}")
        return
    yield from dependency_messages(chart, folder)


def _crd_messages(folder: str) -> Iterator[Message]:
    from pyhelm.manifest.lint import crd_faults, decoded

    path = os.path.join(folder, "crds")
    if not os.path.lexists(path):
        return
    if not os.path.isdir(path):
        yield Message(Severity.ERROR, "crds/", "not a directory")
        return
    try:
        chart = _loaded(folder)
    except ChartError as error:
        yield Message(Severity.ERROR, "crds/", str(error))
        return
    for file in _crd_files(chart):
        for document in decoded(file.data.decode("utf-8", "surrogateescape")):
            if isinstance(document, YAMLError):
                yield Message(Severity.ERROR, file.name, f"unable to parse YAML: {document}")
                return
            for fault in crd_faults(document):
                yield Message(Severity.ERROR, file.name, fault)


def _crd_files(chart: Chart) -> Iterator[Any]:
    for file in chart.files:
        if file.name.startswith("crds/") and file.name.lower().endswith((".yaml", ".yml", ".json")):
            yield file
    for child in chart.dependencies:
        yield from _crd_files(child)
