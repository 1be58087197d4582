"""What is questionable about a rendered chart: objects against their schemas, retired API versions, values that do
nothing, keys that stand twice.

Pure: a rendering and the texts of the values files in, findings out. Files are named as the user knows them, and
lines are those of templates, not of what they rendered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyhelm.actions.render import Rendered, Rendering, template_lines
from pyhelm.chart.model import Chart
from pyhelm.errors import ManifestError
from pyhelm.manifest.findings import Finding, Rule, Severity
from pyhelm.values.origins import Place, duplicates, places

GivenValues = Sequence[tuple[str, bytes | None, dict[str, Any]]]
"""(name, text of a file or None for flags, tree) of each source of values, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOptions:
    """Which checks to make. `crds` are further definition files; `folder` is where the root chart lies, "" unknown."""

    schema: bool = False
    apis: bool = False
    values: bool = False
    duplicate_keys: Severity | None = None
    strict: bool = False
    crds: Sequence[tuple[str, bytes]] = ()
    folder: str = ""

    @property
    def any(self) -> bool:
        return self.schema or self.apis or self.values or self.duplicate_keys is not None


@dataclass(slots=True)
class _Spot:
    """Something found in a rendered document, before its template's line is known. `line` is that of the document."""

    path: str
    text: str
    line: int
    make: Callable[[str, int], Finding]


def review(rendering: Rendering, rendered: Rendered, given: GivenValues, options: ReviewOptions) -> list[Finding]:
    """Everything found, by file and line. Raises ManifestError for CRD files that cannot be read."""
    documents = [(d.path, d.text) for d in rendered.documents] + [(h.path, h.manifest) for h in rendered.hooks]
    spots: list[_Spot] = []
    if options.schema or options.apis:
        spots += _object_spots(rendering, documents, options)
    if options.duplicate_keys is not None:
        spots += _duplicate_spots(documents, options.duplicate_keys)
    found = _placed(rendering, spots)
    if options.values:
        found += _idle_values(rendering.chart, given)
    if options.duplicate_keys is not None:
        found += _duplicate_values(rendering.chart, given, options.duplicate_keys)
    return finished(found, rendering.chart, options)


def finished(findings: Iterable[Finding], chart: Chart, options: ReviewOptions) -> list[Finding]:
    """Sorted, files as the user knows them, warnings turned into errors where that is asked for."""
    out = [_final(finding, chart, options) for finding in findings]
    return sorted(dict.fromkeys(out), key=lambda f: (f.file, f.line, f.column, f.rule, f.subject, f.message))


def _final(finding: Finding, chart: Chart, options: ReviewOptions) -> Finding:
    severity = finding.severity
    if options.strict and severity is Severity.WARNING:
        severity = Severity.ERROR
    file = finding.file
    if options.folder and file.startswith(f"{chart.name}/"):
        file = f"{options.folder.rstrip('/')}/{file.partition('/')[2]}"
    return Finding(
        rule=finding.rule, severity=severity, message=finding.message, file=file, line=finding.line,
        column=finding.column, subject=finding.subject, advice=finding.advice,
    )  # fmt: skip


# rendered objects


def _object_spots(rendering: Rendering, documents: list[tuple[str, str]], options: ReviewOptions) -> Iterator[_Spot]:
    from pyhelm.manifest.objects import object_of

    check = _schema_check(rendering, options) if options.schema else None
    for path, text in documents:
        try:
            body = object_of(path, text)
        except ManifestError:
            continue  # an empty document, or no object at all: the schema of nothing
        for each in _unlisted(body):
            gone = False
            if options.apis:
                spot, gone = _retired_spot(path, text, each, rendering.capabilities.kube_version)
                yield from spot
            if check is not None and not gone:
                yield from check(path, text, each)


def _unlisted(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    items = body.get("items")
    if body.get("kind") == "List" and isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))
    else:
        yield body


def _subject(body: dict[str, Any]) -> str:
    metadata = body.get("metadata")
    name = metadata.get("name") or metadata.get("generateName") if isinstance(metadata, dict) else None
    return f"{body.get('kind')}/{name}" if name else str(body.get("kind") or "object")


def _retired_spot(path: str, text: str, body: dict[str, Any], version: str) -> tuple[list[_Spot], bool]:
    from pyhelm.manifest.lifecycle import minor_of, retired

    api_version, kind = str(body.get("apiVersion") or ""), str(body.get("kind") or "")
    found = retired(api_version, kind, version)
    if found is None:
        return [], False
    row, gone = found
    until = f" and gone in 1.{row.removed}" if row.removed and not gone else ""
    what = f"gone since Kubernetes 1.{row.removed}" if gone else f"deprecated since Kubernetes 1.{row.deprecated}"
    message = f"{api_version} {kind} is {what}{until} (target 1.{minor_of(version)})"

    def make(file: str, line: int) -> Finding:
        return Finding(
            rule=Rule.REMOVED_API if gone else Rule.DEPRECATED_API,
            severity=Severity.ERROR if gone else Severity.WARNING,
            message=message, file=file, line=line, subject=_subject(body),
            advice=f"use {row.instead}" if row.instead else "",
        )  # fmt: skip

    return [_Spot(path, text, _line_of(text, ("apiVersion",)), make)], gone


def _schema_check(rendering: Rendering, options: ReviewOptions) -> Callable[[str, str, Any], Iterator[_Spot]]:
    from pyhelm.manifest.schema import definitions_for
    from pyhelm.manifest.validate import check_objects, unknown_kind

    definitions = definitions_for(rendering.capabilities.kube_version).with_custom(_definitions(rendering, options))

    def check(path: str, text: str, body: dict[str, Any]) -> Iterator[_Spot]:
        api_version, kind = str(body.get("apiVersion") or ""), str(body.get("kind") or "")
        if api_version and kind and definitions.kind(api_version, kind) is None:
            said = unknown_kind(api_version, kind, definitions)
            unknown = f"no schema of {api_version} {kind} is known: give its definition with --crds"
            severity = Severity.ERROR if said else Severity.WARNING
            finding = _maker(Rule.UNKNOWN_KIND, severity, said or unknown, _subject(body))
            yield _Spot(path, text, _line_of(text, ("kind",)), finding)
            return
        lines = _lines_by_path(text)
        for fault in check_objects([(path, body)], definitions):
            said = f"{fault.path}: {fault.message}" if fault.path else fault.message
            finding = _maker(Rule.SCHEMA, Severity.ERROR, said, _subject(body))
            yield _Spot(path, text, _nearest(lines, fault.path), finding)

    return check


def _maker(rule: Rule, severity: Severity, message: str, subject: str) -> Callable[[str, int], Finding]:
    return lambda file, line: Finding(
        rule=rule, severity=severity, message=message, file=file, line=line, subject=subject
    )


def _definitions(rendering: Rendering, options: ReviewOptions) -> Iterator[dict[str, Any]]:
    """CustomResourceDefinitions of crds/, of the rendering and of the given files."""
    from pyhelm.actions.render import crd_objects
    from pyhelm.manifest.custom import is_definition
    from pyhelm.manifest.objects import objects_of

    texts = [(document.path, document.text) for document in crd_objects(rendering.chart)]
    texts += [(name, data.decode("utf-8", "replace")) for name, data in options.crds]
    for name, text in texts:
        try:
            found = objects_of(text)
        except ManifestError as error:
            raise ManifestError(f"{name}: {error}") from error
        yield from (body for _, body in found if is_definition(body))


def _line_of(text: str, path: tuple[str, ...]) -> int:
    place = places(text.encode("utf-8", "surrogateescape"), "").get(path)
    return place.line if place else 1


def _lines_by_path(text: str) -> dict[str, int]:
    """Lines of a document by paths as faults name them."""
    from pyhelm.manifest.validate import join_path

    out: dict[str, int] = {}
    for path, place in places(text.encode("utf-8", "surrogateescape"), "").items():
        said = ""
        for step in path:
            said = f"{said}[{step}]" if isinstance(step, int) else join_path(said, step)
        out[said] = place.line
    return out


def _nearest(lines: dict[str, int], path: str) -> int:
    """The line of a path, or of what is there above it."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 1)


def _duplicate_spots(documents: list[tuple[str, str]], severity: Severity) -> Iterator[_Spot]:
    from pyhelm.values.origins import dotted

    for path, text in documents:
        for keys, first, second in duplicates(text.encode("utf-8", "surrogateescape"), ""):
            said = f'the key "{keys[-1]}" stands twice in one mapping, at lines {first.line} and {second.line} rendered'
            yield _Spot(path, text, second.line, _maker(Rule.DUPLICATE_KEY, severity, said, dotted(keys)))


def _placed(rendering: Rendering, spots: list[_Spot]) -> list[Finding]:
    """Findings with the lines of the templates that made them; one more rendering where there are any."""
    by_path: dict[str, list[_Spot]] = defaultdict(list)
    for spot in spots:
        by_path[spot.path].append(spot)
    known = template_lines(rendering, by_path) if by_path else {}
    out: list[Finding] = []
    for path, found in by_path.items():
        text, lines = known.get(path, ("", []))
        out += [spot.make(path, _template_line(spot, text, lines)) for spot in found]
    return out


def _template_line(spot: _Spot, text: str, lines: list[int]) -> int:
    """The template's line; that of the file itself where it is no template; 0 where the document is not found."""
    start = text.find(spot.text)
    if start < 0:
        return 0
    number = text[:start].count("\n") + spot.line
    return lines[number - 1] if 0 < number <= len(lines) else 0


# values


def _idle_values(chart: Chart, given: GivenValues) -> Iterator[Finding]:
    from pyhelm.values.review import unknown_values, unused_values

    for idle in unknown_values(chart, given):
        advice = f"did you mean {idle.near}?" if idle.near else ""
        said = f"{chart.name} knows no such value"
        yield _of_value(Rule.UNKNOWN_VALUE, Severity.WARNING, said, idle.place, idle.name, advice)
    for idle in unused_values(chart):
        place = Place(f"{chart.name}/values.yaml", idle.place.line, idle.place.column)
        yield _of_value(Rule.UNUSED_VALUE, Severity.INFO, "no template reads this value", place, idle.name, "")


def _duplicate_values(chart: Chart, given: GivenValues, severity: Severity) -> Iterator[Finding]:
    from pyhelm.values.origins import dotted

    files = [(name, text) for name, text, _ in given if text is not None]
    if chart.values_text is not None:
        files.insert(0, (f"{chart.name}/values.yaml", chart.values_text))
    for name, text in files:
        for path, first, second in duplicates(text, name):
            said = f'the key "{path[-1]}" stands twice in one mapping, first at line {first.line}'
            yield _of_value(Rule.DUPLICATE_KEY, severity, said, second, dotted(path), "")


def _of_value(rule: Rule, severity: Severity, said: str, place: Place, name: str, advice: str) -> Finding:
    return Finding(
        rule=rule, severity=severity, message=said, file=place.file, line=place.line, column=place.column,
        subject=name, advice=advice,
    )  # fmt: skip
