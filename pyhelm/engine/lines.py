"""Which line of a template made a line of its output. Asked only after something was found in the output.

The template is run once more with marks: before the first visible character of each of its lines stands the line's
number between two characters that no chart uses. Marks are put where they change neither trimming nor the flow, and
never into named templates, whose output other functions work on. What an action puts out in several lines belongs to
the line the action begins on; what an included template puts out, to the line that includes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pyhelm.engine.engine import Source, deep_stack, gather, render_order
from pyhelm.engine.objects import capabilities_object, release_object
from pyhelm.engine.program import Program
from pyhelm.errors import TemplateError
from pyhelm.records import replace

if TYPE_CHECKING:
    from pyhelm.chart.model import Chart
    from pyhelm.engine.interface import Capabilities, EngineOptions, ReleaseInfo

__all__ = ["marked", "rendered_lines", "unmarked"]

_COPY = "#lines"
_OPEN, _CLOSE = "\ue0f0", "\ue0f1"
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_STRINGS = r'"(?:\\.|[^"\\\n])*"|`[^`]*`|\'(?:\\.|[^\'\\\n])*\''
_GO_ACTION = re.compile(
    r"\{\{(?:-[ \t\r\n])?[ \t\r\n]*/\*.*?\*/[ \t\r\n]*-?\}\}|\{\{(?:" + _STRINGS + r"|[^\"`'])*?\}\}", re.DOTALL
)
_JINJA_ACTION = re.compile(
    r"\{#.*?#\}|\{%(?:" + _STRINGS + r"|[^\"'])*?%\}|\{\{(?:" + _STRINGS + r"|[^\"'])*?\}\}", re.DOTALL
)
_WORD = re.compile(r"\{[{%][-+]?\s*([a-z]\w*)")
_GO_BLOCKS = frozenset({"if", "range", "with", "define", "block"})
_NAMED = frozenset({"define", "block", "macro", "call", "filter", "set"})
_FIRST_VISIBLE = re.compile(r"(^|\n)([ \t\r]*)(?=[^\s])")


def marked(text: str, dialect: str = "gotpl") -> str:
    """The template with marks."""
    out: list[str] = []
    named: list[bool] = []
    position, line = 0, 1
    actions = (_GO_ACTION if dialect == "gotpl" else _JINJA_ACTION).finditer(text)
    for start, end, action in _segments(text, actions):
        piece = text[start:end]
        if any(named):
            out.append(piece)
        else:
            out.append(_with_marks(piece, line, position == 0))
        line += piece.count("\n")
        if action:
            alone = not text[text.rfind("\n", 0, end) + 1 : end].strip()
            out.append(_marked_action(action, line) if alone and not any(named) else action)
            _track(action, named, dialect)
            line += action.count("\n")
        position = end
    return "".join(out)


def _segments(text: str, actions: Iterator[re.Match[str]]) -> Iterator[tuple[int, int, str]]:
    """(start and end of a text, the action after it or "")."""
    start = 0
    for found in actions:
        yield start, found.start(), found[0]
        start = found.end()
    yield start, len(text), ""


def _with_marks(piece: str, line: int, at_start: bool) -> str:
    out: list[str] = []
    for number, part in enumerate(piece.split("\n")):
        visible = part.lstrip()
        if visible and (number or at_start):
            part = f"{part[: len(part) - len(visible)]}{_OPEN}{line + number}{_CLOSE}{visible}"
        out.append(part)
    return "\n".join(out)


def _marked_action(action: str, line: int) -> str:
    """An action that begins its line, after one that puts out the mark alone. Comments and definitions stay bare."""
    word = _WORD.match(action)
    if not action.startswith("{{") or "/*" in action[:8] or (word and word[1] in _NAMED):
        return action
    trims = action[2:3] == "-" and action[3:4].isspace()
    rest = f"{{{{ {action[3:]}" if trims else action
    return f'{{{{{"- " if trims else " "}"{_OPEN}{line}{_CLOSE}" }}}}{rest}'


def _track(action: str, named: list[bool], dialect: str) -> None:
    """Keep the stack of open blocks: whether each is a named template, or captures its text."""
    found = _WORD.match(action)
    word = found[1] if found else ""
    if dialect != "gotpl":
        if not action.startswith("{%"):
            return
        if word in _NAMED and not (word == "set" and "=" in action):
            named.append(True)
        elif word.startswith("end") and word[3:] in _NAMED and named:
            named.pop()
        return
    if word in _GO_BLOCKS:
        named.append(word in _NAMED)
    elif word == "end" and named:
        named.pop()


def unmarked(text: str) -> tuple[str, list[int]]:
    """The output without its marks, and the template's line for each of its lines."""
    lines: list[int] = []
    current = 1
    for part in text.split("\n"):
        found = _MARK.search(part)
        if found:
            current = int(found[1])
        lines.append(current)
        for last in _MARK.finditer(part):
            current = int(last[1])
    return _MARK.sub("", text), lines


def rendered_lines(
    chart: Chart,
    values: dict[str, Any],
    release: ReleaseInfo,
    capabilities: Capabilities,
    options: EngineOptions,
    wanted: Iterable[str],
) -> dict[str, tuple[str, list[int]]]:
    """Template's full name -> its output once more, and the template line of each line of it.

    Arguments as for `Engine.render`. A template that fails now is left out.
    """
    sources = gather(chart, values, release_object(release), capabilities_object(capabilities))
    asked = [_copy(sources[name]) for name in wanted if name in sources]
    ordered = [sources[name] for name in sorted(sources, key=render_order, reverse=True)]
    out: dict[str, tuple[str, list[int]]] = {}
    with deep_stack():
        program = Program(replace(options, cache=None), [*ordered, *asked])
        try:
            program.link()
        except TemplateError:
            return {}
        for source in asked:
            name = source.name.removesuffix(_COPY)
            source.scope["Template"] = {"Name": name, "BasePath": source.base_path}
            try:
                out[name] = unmarked(program.run(source).replace("<no value>", ""))
            except TemplateError:
                continue
    return out


def _copy(source: Source) -> Source:
    """The template with marks under a name that no chart includes."""
    text = source.text.decode("utf-8", "surrogateescape")
    data = marked(text, "gotpl" if source.dialect == "gotpl" else "jinja2").encode("utf-8", "surrogateescape")
    return Source(
        source.name + _COPY, data, source.scope, source.base_path, source.dialect, source.chart, source.values
    )
