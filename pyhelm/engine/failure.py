"""What went wrong in a template, told twice: in Helm's words, and in ours with an excerpt and a hint.

Compiled code keeps no account of where it is. Once it has failed, the interpreter's traceback names the instruction
of every template on the way; compiling the file again tells which piece of the template that is. Only here, after a
failure, are the parser and Jinja2 needed in a warm run.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import CodeType, TracebackType
from typing import Any

from pyhelm.engine.functions.errors import GoCallError, GoTypeError
from pyhelm.engine.gotpl.sites import Site
from pyhelm.engine.gotpl.syntax import Bool, Field, Node, Number, String, TemplateCall, go_quote
from pyhelm.engine.runtime import FailError, GoExecError, LimitError
from pyhelm.errors import Frame, TemplateError

__all__ = ["excerpt_of", "explain"]


@dataclass(slots=True)
class _Step:
    """A template on the way: what it is, and the site it was left from."""

    file: str
    text: str
    template: str
    site: Site
    tpl_text: str | None
    data: Any = None
    """What the template was run with, as far as that is known."""

    def location(self, node: Node) -> tuple[int, int]:
        """Line from 1 and column from 0, in bytes, as Go counts."""
        before = self.text[: node.position]
        start = before.rfind("\n") + 1
        return before.count("\n") + 1, len(before[start:].encode("utf-8", "surrogateescape"))

    def prefix(self, node: Node) -> str:
        line, column = self.location(node)
        return f"template: {self.file}:{line}:{column}: executing {go_quote(self.template)} at <{node}>: "


@dataclass(slots=True)
class _Level:
    """One of Go's nested errors."""

    step: _Step
    node: Node
    message: str


def excerpt_of(text: str, line: int, column: int) -> str:
    """The line with a caret below the column (from 0, in characters)."""
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return ""
    shown = lines[line - 1].replace("\t", " ").rstrip("\r")
    number = str(line)
    return f"{number} | {shown}\n{' ' * len(number)} | {' ' * column}^"


def explain(error: Exception, program: Any) -> TemplateError:
    """The TemplateError that `error`, raised while `program` ran, amounts to."""
    program.error = error
    steps = _steps(error.__traceback__, program)
    if not steps:
        return TemplateError(_message(error), kind=_kind(error), helm=_message(error))
    node, message, bare = _innermost(error, steps[-1])
    levels = _levels(steps, node, message)
    frames = tuple(_frame(step, step.site.node if step is not steps[-1] else node) for step in steps)
    line, _ = steps[-1].location(node)
    column = frames[-1].column - 1
    return TemplateError(
        bare,
        frames,
        kind=_kind(error),
        hint=_hint(bare, node, steps[-1].data),
        excerpt=excerpt_of(steps[-1].text, line, column),
        helm=_helm(error, levels, steps),
    )


def _kind(error: Exception) -> str:
    return "limit" if isinstance(error, (LimitError, RecursionError)) else "execution"


def _message(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "templates are nested too deeply"
    return str(error)


def _hint(message: str, node: Node, data: Any) -> str:
    if not message.startswith("nil pointer evaluating"):
        return ""
    name = message.rpartition(".")[2]
    meant = _meant(node.names, data) if isinstance(node, Field) else ""
    return meant or f"what stands before .{name} is not set: check its name, or guard it with `if` or `with`"


def _meant(names: list[str], data: Any) -> str:
    """A name that is there, where the path first leaves what is there."""
    from difflib import get_close_matches

    for place, name in enumerate(names):
        if not isinstance(data, dict):
            return ""
        if data.get(name) is None:
            close = get_close_matches(name, [str(key) for key in data if key != name], 1)
            path = ".".join(["", *names[:place]])
            return f"{path}.{name} is not set; did you mean {path}.{close[0]}?" if close else ""
        data = data[name]
    return ""


@dataclass(slots=True)
class _Expression(Node):
    """A piece of a Jinja2 template: its place and its text."""

    text: str

    def __str__(self) -> str:
        return self.text


def _jinja_step(traceback: TracebackType, text: str, word: str) -> _Step:
    """Jinja2 keeps lines alone; the column is that of the word that failed, where it is known."""
    frame = traceback.tb_frame
    pairs = [pair.split("=") for pair in str(frame.f_globals["debug_info"]).split("&") if pair]
    lines = [int(line) for line, generated in pairs if int(generated) <= traceback.tb_lineno]
    number = lines[-1] if lines else 1
    all_lines = text.split("\n")
    line = all_lines[min(number, len(all_lines)) - 1]
    column = max(line.find(word), 0) if word else len(line) - len(line.lstrip())
    start = sum(len(one) + 1 for one in all_lines[: number - 1])
    node = _Expression(start + column, word or line.strip())
    name = frame.f_code.co_name
    file = frame.f_code.co_filename
    return _Step(file, text, file if name in ("root", "<module>") else name, Site(node, name=word), None)


def _word(error: Exception, traceback: TracebackType | None) -> str:
    """The name of the function a Jinja2 template called, or of what it did not find."""
    word = ""
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename.endswith("jinja/filters.py"):
            word = str(frame.f_locals.get("name", ""))
        traceback = traceback.tb_next
    text = str(error)
    if type(error).__name__ == "UndefinedError":
        words = text.replace("there is no ", "").replace("'", "").split()
        return words[0] if words else ""
    return word


def _steps(traceback: TracebackType | None, program: Any) -> list[_Step]:
    error_word = _word(program.error, traceback)
    files = {source.name: source.text.decode("utf-8", "surrogateescape") for source in program.sources}
    texts = {unit.filename: text for text, unit in program.text_units.items()}
    found: list[_Step] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        name = code.co_filename
        if "debug_info" in traceback.tb_frame.f_globals and name in files:
            found.append(_jinja_step(traceback, files[name], error_word))
        elif "R" in traceback.tb_frame.f_globals and code.co_name[:1] == "t" and (name in files or name in texts):
            is_text = name in texts
            text = texts[name] if is_text else files[name]
            step = _step("gotpl" if is_text else name, text, code, traceback.tb_lasti, is_text)
            if step is not None:
                step.data = traceback.tb_frame.f_locals.get("d0")
                found.append(step)
        traceback = traceback.tb_next
    return found


def _step(file: str, text: str, code: CodeType, instruction: int, is_text: bool) -> _Step | None:
    from pyhelm.engine.compiler import signatures
    from pyhelm.engine.gotpl.emit import trace_sites

    definitions, sites = trace_sites(file, text, signatures())
    positions = list(code.co_positions())
    line, _, column, end = positions[instruction // 2]
    site = sites.get((line or 0, column or 0, end or 0))
    if site is None:
        return None
    return _Step(file, text, definitions[int(code.co_name[1:])].name, site, text if is_text else None)


def _innermost(error: Exception, step: _Step) -> tuple[Node, str, str]:
    """Where Go says it happened, what it says, and the message without `error calling`."""
    site = step.site
    if isinstance(error, GoExecError):
        return site.node, str(error), str(error)
    if isinstance(error, GoTypeError):
        message = _typed(error, site)
        return site.argument(error.argument), message, message
    message = _message(error)
    if isinstance(error, (FailError, LimitError)) or (not isinstance(error, GoCallError) and not site.name):
        return site.node, message, message
    if site.name == "call" and message.startswith("non-function ") and site.arguments:
        message = f"non-function {site.arguments[0]} of type {message.rpartition(' of type ')[2]}"
    return site.node, f"error calling {site.name}: {message}", message


def _typed(error: GoTypeError, site: Site) -> str:
    message, index = str(error), error.argument
    if not 0 <= index < len(site.arguments):
        return message
    argument = site.arguments[index]
    if isinstance(argument, (Bool, Number, String)) and "expected " in message:
        wanted = message.split("expected ", 1)[1].partition(";")[0]
        return f"expected {wanted}; found {argument}"
    if message.startswith("invalid value; expected ") and index not in site.loose:
        return f"wrong type for value; expected {message[24:]}; got interface {{}}"
    return message


def _levels(steps: list[_Step], node: Node, message: str) -> list[_Level]:
    """Go's nested errors, outermost first; a template action adds no level of its own."""
    levels = [_Level(steps[-1], node, message)]
    for outer in reversed(steps[:-1]):
        if isinstance(outer.site.node, TemplateCall):
            continue
        inner = levels[0]
        text = inner.step.prefix(inner.node) + inner.message
        if inner.step.tpl_text is not None and outer.site.name == "tpl":
            text = f"error during tpl function execution for {go_quote(inner.step.tpl_text)}: {text}"
        levels.insert(0, _Level(outer, outer.site.node, f"error calling {outer.site.name}: {text}"))
    return levels


def _helm(error: Exception, levels: list[_Level], steps: list[_Step]) -> str:
    first = levels[0]
    if isinstance(error, FailError):
        line, column = first.step.location(first.node)
        return f"execution error at ({first.step.file}:{line}:{column}): {error}"
    raw = first.step.prefix(first.node) + first.message
    missing = str(error).startswith("template: no template ") if isinstance(error, GoCallError) else False
    plain = isinstance(error, (GoExecError, GoTypeError))
    through_tpl = any(level.step.site.name == "tpl" for level in levels[:-1])
    if not (plain or missing) or through_tpl or "\n" in raw:
        return raw
    last = None if missing else levels[-1]
    blocks = [_block(level, level.message if level is last else "") for level in levels]
    return "".join(blocks) + (str(error) if missing else "")


def _block(level: _Level, message: str) -> str:
    line, column = level.step.location(level.node)
    place = f"{level.step.file}:{line}:{column}"
    executing = f"executing {go_quote(level.step.template)} at <{level.node}>:"
    calling = f"error calling {level.step.site.name}:"
    return f"{place}\n  {executing}\n    {message or calling}\n"


def _frame(step: _Step, node: Node) -> Frame:
    before = step.text[: node.position]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n") - 1
    return Frame(step.template, step.file, line, column + 1, str(node))
