"""Why a rendering failed, for a person: the place in the template, the way that led there, and the values at fault
with the files they were written in.

Pure. All of it is worked out after a failure: where values come from is of no interest before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyhelm.actions.render import RenderFailed, Rendering, template_lines
from pyhelm.chart.model import Chart
from pyhelm.errors import ManifestError, PyhelmError, TemplateError, ValuesError
from pyhelm.values.origins import Place, places

GivenValues = Sequence[tuple[str, bytes | None, dict[str, Any]]]
_CHAIN = re.compile(r"(?:\.|\b)Values((?:\.[A-Za-z_]\w*)+)")
_INDEX = re.compile(r"index\s+\$?\.Values((?:\s+\"[^\"]+\")+)")
_YAML_FAULT = re.compile(r"YAML parse error on (.+?): (.*)", re.DOTALL)
_NO_TEMPLATE = re.compile(r'no template "([^"]+)"|template "([^"]+)" not defined')
_DEFINE = re.compile(r'\{\{-?\s*(?:define|block)\s+"([^"]+)"|\{%-?\s*define\s+"([^"]+)"')
_SCHEMA_PLACE = re.compile(r"- at '(/[^']*)'")
_SCHEMA_CHART = re.compile(r"(\S+):$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`file` as the user may open it; `line` and `column` count from 1, 0 unknown. `chain` is the way there, from the
    failing place outwards; `values` say where values come from."""

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    excerpt: str = ""
    rendered: str = ""
    chain: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    hint: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        parts = [f"{place}: {self.message}" if place else self.message]
        if self.excerpt:
            parts.append(_indented(self.excerpt))
        if self.rendered:
            parts += ["rendered as:", _indented(self.rendered)]
        parts += [f"  reached from {step}" for step in self.chain]
        parts += [f"  {line}" for line in self.values]
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def cause_of(error: BaseException | None) -> PyhelmError | None:
    """The error that can be explained, among those that led to `error`."""
    while error is not None:
        if isinstance(error, TemplateError | RenderFailed) or (isinstance(error, ValuesError) and error.rendering):
            return error
        error = error.__cause__
    return None


def explain(error: PyhelmError, given: GivenValues) -> Explanation:
    """The whole story of a failure of a rendering (see `cause_of`)."""
    if isinstance(error, TemplateError):
        return _template(error, given)
    if isinstance(error, RenderFailed):
        return _yaml(error, given)
    return Explanation(message=str(error).rstrip("\n"), values=tuple(_schema_values(error, given)))


# templates


def _template(error: TemplateError, given: GivenValues) -> Explanation:
    rendering = error.rendering
    chart = rendering.chart if rendering is not None else None
    if not error.frames:
        return Explanation(message=error.cause, hint=error.hint)
    last = error.frames[-1]
    outer = error.frames[-2::-1] if len(error.frames) > 1 else ()
    chain = [f"{_file(chart, f.file)}:{f.line}:{f.column}: {f.expression}" for f in outer]
    said = next((f for f in reversed(error.frames) if _paths(f.expression)), None)
    # Jinja2 tells the line and a word of it: what the line names is the best there is.
    text = said.expression if said is not None else error.excerpt.partition("\n")[0]
    values: list[str] = []
    if rendering is not None and (said is not None or rendering.chart.engine == "jinja2"):
        values = [_origin(rendering, given, (said or last).file, path) for path in _paths(text)]
    return Explanation(
        message=error.cause, file=_file(chart, last.file), line=last.line, column=last.column,
        excerpt=error.excerpt, chain=tuple(chain), values=tuple(values),
        hint=error.hint or _template_meant(chart, error.cause),
    )  # fmt: skip


def _template_meant(chart: Chart | None, message: str) -> str:
    """The named template that was probably meant, for a name that is none."""
    from difflib import get_close_matches

    found = _NO_TEMPLATE.search(message)
    if found is None or chart is None:
        return ""
    close = get_close_matches(found[1] or found[2], sorted(set(_defined(chart))), 1)
    return f'did you mean "{close[0]}"?' if close else ""


def _defined(chart: Chart) -> Iterator[str]:
    for file in chart.templates:
        yield from (one or other for one, other in _DEFINE.findall(file.data.decode("utf-8", "replace")))
    for child in chart.dependencies:
        yield from _defined(child)


def _file(chart: Chart | None, file: str) -> str:
    """The path of a template on this machine where the chart is a folder, else its name in the chart."""
    if chart is None or not os.path.isdir(chart.path) or not file.startswith(f"{chart.name}/"):
        return file
    return os.path.join(chart.path, file.partition("/")[2])


def _paths(expression: str) -> list[tuple[str, ...]]:
    found = [tuple(re.findall(r'"([^"]+)"', m[1])) for m in _INDEX.finditer(expression)]
    found += [tuple(m[1][1:].split(".")) for m in _CHAIN.finditer(expression)]
    return list(dict.fromkeys(found))


# values


def _origin(rendering: Rendering, given: GivenValues, file: str, path: tuple[str, ...]) -> str:
    """Where a value a template names was written, or how far the path goes."""
    sources = list(_sources(rendering.chart, given, file))
    for length in range(len(path), 0, -1):
        for place in (source(path[:length]) for source in sources):
            if place:
                rest = "" if length == len(path) else f"; it has no {'.'.join(path[length:])}"
                return f".Values.{'.'.join(path[:length])} comes from {place}{rest}"
    return f".Values.{path[0]} is set nowhere"


class _Source:
    """One source of values, seen from a chart: `prefix` leads to that chart's values in it."""

    def __init__(self, name: str, text: bytes | None, tree: dict[str, Any], prefix: tuple[str, ...]) -> None:
        self.name, self.text, self.tree, self.prefix = name, text, tree, prefix

    def __call__(self, path: tuple[str, ...]) -> Place | None:
        whole = path if path[0] == "global" else self.prefix + path
        node: Any = self.tree
        for step in whole:
            if not isinstance(node, dict) or node.get(step) is None:
                return None
            node = node[step]
        known = places(self.text, self.name) if self.text is not None else {}
        return known.get(whole, Place(self.name))


def _sources(chart: Chart, given: GivenValues, file: str) -> Iterator[_Source]:
    """Sources from the strongest to the weakest, for the chart a template belongs to."""
    names = tuple(re.findall(r"/charts/([^/]+)", file.partition("/templates/")[0]))
    for name, text, tree in reversed(given):
        yield _Source(name, text, tree, names)
    charts: list[Chart | None] = [chart]
    for name in names:
        above = charts[-1]
        charts.append(next((c for c in above.dependencies if c.name == name), None) if above else None)
    for depth, each in enumerate(charts):
        if each is not None:
            place = _file(chart, f"{each.full_path}/values.yaml")
            yield _Source(place, each.values_text, _parsed(each), names[depth:])


def _parsed(chart: Chart) -> dict[str, Any]:
    """A chart's own defaults; a processed chart's values may hold those of others."""
    from pyhelm.chart.values_file import parse_values

    return parse_values(chart.values_text) if chart.values_text is not None else {}


def _schema_values(error: PyhelmError, given: GivenValues) -> Iterator[str]:
    """Origins of the values a schema refuses; Helm's text names charts by a line of their own."""
    rendering: Rendering = error.rendering
    names: tuple[str, ...] = ()
    for line in str(error).split("\n"):
        head = _SCHEMA_CHART.match(line)
        if head and not line.startswith(" "):
            names = _way(rendering.chart, head[1])
        found = _SCHEMA_PLACE.search(line)
        path = tuple(step for step in found[1][1:].split("/") if step) if found else ()
        if path:
            file = "".join([rendering.chart.name, *(f"/charts/{name}" for name in names), "/templates/"])
            yield _origin(rendering, given, file, tuple(s.replace("~1", "/").replace("~0", "~") for s in path))


def _way(chart: Chart, name: str) -> tuple[str, ...]:
    """Names from the root's subcharts down to the chart called `name`."""
    for child in chart.dependencies:
        if child.name == name:
            return (name,)
        if below := _way(child, name):
            return (child.name, *below)
    return ()


# output that is no YAML


def _yaml(error: RenderFailed, given: GivenValues) -> Explanation:
    found = _YAML_FAULT.match(str(error))
    rendering = error.rendering
    if found is None or rendering is None:
        return Explanation(message=str(error))
    path, message = found[1], found[2].removeprefix("error converting YAML to JSON: ")
    fault = _faulty_line(error.files.get(path, ""))
    known = template_lines(rendering, [path]).get(path)
    said = f"the output is not valid YAML: {fault.problem or message}" if fault.number else message
    if known is None or not fault.number or fault.number > len(known[1]):
        return Explanation(message=said, file=_file(rendering.chart, path), rendered=fault.shown)
    line = known[1][fault.number - 1]
    text = _template_text(rendering.chart, path).split("\n")[line - 1 : line]
    excerpt = _pointed(line, text[0], len(text[0]) - len(text[0].lstrip())) if text else ""
    values = [_origin(rendering, given, path, p) for p in _paths(text[0])] if text else []
    return Explanation(
        message=said, file=_file(rendering.chart, path), line=line, excerpt=excerpt, rendered=fault.shown,
        values=tuple(values),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _FaultyLine:
    """The line of a rendered file that breaks it, 0 where it is not known."""

    number: int = 0
    shown: str = ""
    problem: str = ""


def _faulty_line(text: str) -> _FaultyLine:
    from pyhelm.manifest.documents import split
    from pyhelm.manifest.head import parse_head

    start = 0
    for document in split(text):
        start = max(text.find(document, start), start)
        try:
            parse_head(document)
        except ManifestError:
            before = text[:start].count("\n")
            line, column, problem = _mark(document)
            shown = document.split("\n")[line].replace("\t", " ")
            return _FaultyLine(before + line + 1, f"| {shown}\n| {' ' * column}^", problem)
        start += len(document)
    return _FaultyLine()


def _mark(document: str) -> tuple[int, int, str]:
    """(line and column from 0, problem) of what a YAML parser stumbles over; the start where it does not."""
    import yaml

    try:
        yaml.compose(document, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if mark is not None:
            line = min(mark.line, document.count("\n"))
            return line, mark.column if line == mark.line else 0, str(error.problem or "")
    except yaml.YAMLError:
        pass
    return 0, 0, ""


def _template_text(chart: Chart, path: str) -> str:
    for file in chart.templates:
        if f"{chart.full_path}/{file.name}" == path:
            return file.data.decode("utf-8", "replace")
    return next((text for child in chart.dependencies if (text := _template_text(child, path))), "")


def _pointed(line: int, text: str, column: int) -> str:
    number = str(line)
    return f"{number} | {text.rstrip()}\n{' ' * len(number)} | {' ' * column}^".replace("\t", " ")
