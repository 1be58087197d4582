"""Values that do nothing: given ones the chart does not know, and defaults no template reads.

Both are told from texts, not from one rendering, so that what a switched-off branch would read counts as read. They
err on the side of silence: a chart that hands `.Values` on as a whole has no unused values, and a map whose default is
empty, or that the schema leaves open, takes any key.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pyhelm.chart.model import Chart
from pyhelm.values.origins import Path, Place, dotted, places

Values = dict[str, Any]
GLOBAL = "global"
_CHAIN = re.compile(r"(?:\$|\b|(?<=[\s({|,=!]))\.?Values((?:\.[A-Za-z_][A-Za-z0-9_]*|\[[\"'][^\"']+[\"']\])*)")
_INDEX = re.compile(r"index\s+(?:\$\.|\.|\$\.?)?Values((?:\s+\"[^\"]+\")+)")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[[\"']([^\"']+)[\"']\]")


@dataclass(frozen=True, slots=True)
class Idle:
    """A value that does nothing. `near` is a known name it may have been meant to be."""

    path: Path
    place: Place
    near: str = ""

    @property
    def name(self) -> str:
        return dotted(self.path)


def unknown_values(chart: Chart, given: Iterable[tuple[str, bytes | None, Values]]) -> list[Idle]:
    """Values of (source name, its text if it is a file, its tree) that neither defaults nor schema know."""
    return [idle for name, text, tree in given for idle in _unknown_in(chart, name, text, tree)]


def _unknown_in(chart: Chart, name: str, text: bytes | None, tree: Values) -> Iterator[Idle]:
    known = places(text, name) if text is not None else {}
    for path, near in _unknown(tree, _defaults(chart), _schema(chart), ()):
        yield Idle(path, known.get(path, Place(name)), near)


def _defaults(chart: Chart) -> Values:
    """The chart's own defaults with those of its subcharts below their names, and `global` open."""
    out: Values = {GLOBAL: {}, **chart.values}
    for child in chart.dependencies:
        own = out.get(child.name)
        out[child.name] = {**_defaults(child), **(own if isinstance(own, dict) else {})}
    for entry in chart.metadata.get("dependencies") or []:
        name = entry.get("alias") or entry.get("name") if isinstance(entry, dict) else None
        if name:
            out.setdefault(str(name), {})
        for switch in str(entry.get("condition") or "").split(",") if isinstance(entry, dict) else ():
            _open(out, switch.strip())
    out.setdefault("tags", {})
    return out


def _open(tree: Values, path: str) -> None:
    """Let a dependency's condition be known where no default says it."""
    *above, last = path.split(".")
    for step in above:
        inner = tree.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    if last and tree:
        tree.setdefault(last, None)


def _schema(chart: Chart) -> Any:
    if chart.schema is None:
        return None
    try:
        return json.loads(chart.schema)
    except ValueError:
        return None


def _unknown(given: Values, defaults: Values, schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    declared, closed = _properties(schema)
    for key, value in given.items():
        here = (*path, key)
        if key in defaults:
            below = defaults[key]
            if isinstance(value, dict) and isinstance(below, dict) and below:
                yield from _unknown(value, below, declared.get(key), here)
        elif key not in declared and (closed or not _is_open(schema)):
            near = difflib.get_close_matches(key, [*defaults, *declared], 1)
            yield here, near[0] if near else ""


def _properties(schema: Any) -> tuple[dict[str, Any], bool]:
    if not isinstance(schema, dict):
        return {}, False
    found = schema.get("properties")
    return (found if isinstance(found, dict) else {}), schema.get("additionalProperties") is False


def _is_open(schema: Any) -> bool:
    """A schema that speaks of further keys, or points elsewhere, is not judged here."""
    keywords = ("additionalProperties", "patternProperties", "$ref", "anyOf", "oneOf", "allOf")
    return isinstance(schema, dict) and any(k in schema for k in keywords)


def unused_values(chart: Chart) -> list[Idle]:
    """Defaults of the chart's values.yaml that no template of it reads."""
    if chart.values_text is None:
        return []
    read = set(_read_paths(chart))
    if () in read:
        return []
    known = places(chart.values_text, "values.yaml")
    names = {child.name for child in chart.dependencies} | {GLOBAL, "tags"}
    names |= {str(e.get("alias") or e.get("name")) for e in chart.metadata.get("dependencies") or []}
    found = [path for path in _leaves(chart.values, ()) if path[0] not in names]
    return [Idle(p, known.get(p, Place("values.yaml"))) for p in found if not _is_read(p, read)]


def _is_read(path: Path, read: set[tuple[str, ...]]) -> bool:
    """A path is read with everything above it, and by everything that reads into it."""
    names = tuple(str(step) for step in path)
    return any(names[: len(r)] == r[: len(names)] for r in read)


def _leaves(values: Values, path: Path) -> Iterator[Path]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)


def _read_paths(chart: Chart) -> Iterator[tuple[str, ...]]:
    """What the chart's templates, and the library templates they may call, read of the values; () for all of it."""
    for entry in chart.metadata.get("dependencies") or []:
        for switch in str(entry.get("condition") or "").split(",") if isinstance(entry, dict) else ():
            yield tuple(switch.strip().split("."))
    for text in _texts(chart):
        indexed = [tuple(re.findall(r'"([^"]+)"', m[1])) for m in _INDEX.finditer(text)]
        yield from indexed
        for found in _CHAIN.finditer(_INDEX.sub(" ", text)):
            yield tuple(a or b for a, b in _STEP.findall(found[1]))


def _texts(chart: Chart) -> Iterator[str]:
    for file in chart.templates:
        yield from _actions(file.data.decode("utf-8", "replace"))
    for child in chart.dependencies:
        if child.is_library:
            yield from _texts(child)


def _actions(text: str) -> Iterator[str]:
    """What stands between braces: prose that mentions Values is none of it."""
    for found in re.finditer(r"\{\{.*?\}\}|\{%.*?%\}", text, re.DOTALL):
        if not found[0].lstrip("{%-").lstrip().startswith("/*"):
            yield found[0]
