"""Go-template charts written as Jinja2 charts that render the same.

Text and the dashes that trim it are kept as they stand; every action becomes a tag of the same place. Variables that
are assigned to from inside a loop become attributes of a namespace, defines become `{% define %}`, ranges walk
`x | pairs` or `x | elements`, pipes become filters. The converted chart says `pyhelm.dev/semantics: go`, so that nil
and numbers print as they did. What cannot be converted is named by file and line, and left as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pyhelm.chart.model import ChartFile
from pyhelm.engine.compiler import signatures
from pyhelm.engine.gotpl.lexer import KEYWORDS, scan
from pyhelm.engine.gotpl.lower import assigned_names
from pyhelm.engine.gotpl.parser import ParseError, parse
from pyhelm.engine.gotpl.syntax import (
    Action,
    Block,
    Bool,
    Branch,
    Chain,
    Command,
    Definition,
    Dot,
    Expression,
    Field,
    Function,
    Jump,
    Nil,
    Number,
    Pipe,
    String,
    TemplateCall,
    Text,
    Variable,
)
from pyhelm.errors import ChartError

__all__ = ["ConvertError", "convert_chart", "convert_template"]

_RESERVED = frozenset({
    "ctx", "ns", "loop", "self", "true", "false", "none", "True", "False", "None", "in", "is", "not", "and", "or", "if",
    "else", "import", "recursive", "namespace", "range", "varargs", "kwargs", "caller",
    "Values", "Chart", "Release", "Capabilities", "Files", "Template", "Subcharts",
})  # fmt: skip
_SEQUENCE_FILTERS = frozenset({"list", "map", "min", "max", "round", "float", "sort", "unique", "slice", "dictsort"})


class ConvertError(ChartError):
    """Something without a counterpart in Jinja2; `line` of the template."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _Mark(NamedTuple):
    """An action of the source: where it starts and ends, and on which sides it trims."""

    start: int
    end: int
    left: bool
    right: bool


def _marks(text: str) -> list[_Mark]:
    """The actions of a template, comments included, in order."""
    found: list[_Mark] = []
    position = 0
    while (start := text.find("{{", position)) >= 0:
        left = text.startswith("-", start + 2) and text[start + 3 : start + 4].isspace()
        inside = start + (4 if left else 2)
        if text.startswith("/*", inside):
            end = text.index("}}", text.index("*/", inside)) + 2
        else:
            end = _action_end(text, start)
        found.append(_Mark(start, end, left, text[end - 3 : end - 2] == "-" and text[end - 4 : end - 3].isspace()))
        position = end
    return found


def _action_end(text: str, start: int) -> int:
    pieces = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|' + r"'(?:[^'\\\n]|\\.)*'" + r"|\}\}|[\s\S]")
    position = start + 2
    while True:
        found = pieces.match(text, position)
        if found is None:
            raise ConvertError("an action without an end", text.count("\n", 0, start) + 1)
        position = found.end()
        if found.group() == "}}":
            return position


def _string(value: str) -> str:
    out = ['"']
    for char in value:
        code = ord(char)
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif code < 32 or 127 <= code < 160:
            out.append(f"\\x{code:02x}")
        elif 0xD800 <= code < 0xE000:
            out.append(f"\\u{code:04x}")
        else:
            out.append(char)
    return "".join([*out, '"'])


def _text(text: str) -> str:
    """Plain text that Jinja2 leaves alone."""
    return re.sub(r"\{[%#]|\r", lambda found: "{{ " + _string(found.group()) + " }}", text)


@dataclass(slots=True)
class _Names:
    """What names of the template stand for in the place that is being written."""

    dot: str
    variables: dict[str, str] = field(default_factory=dict)

    def inner(self, dot: str | None = None) -> _Names:
        return _Names(dot or self.dot, dict(self.variables))


class _Writer:
    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.marks = iter(_marks(text))
        self.out: list[str] = []
        self.position = 0
        self.used: set[str] = set()
        self.assigned: set[str] = set()
        self.definitions: dict[str, Definition] = {}

    def line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1

    def fail(self, message: str, position: int) -> ConvertError:
        return ConvertError(message, self.line(position))

    # the source, action by action

    def next_mark(self) -> _Mark:
        """The next action that is no comment; text and comments before it are written."""
        for mark in self.marks:
            self.out.append(_text(self.text[self.position : mark.start]))
            self.position = mark.end
            inside = self.text[mark.start + (4 if mark.left else 2) :]
            if not inside.startswith("/*"):
                return mark
            body = self.text[mark.start : mark.end].strip("{}-\n\t ").removeprefix("/*").removesuffix("*/")
            self.out.append(f"{{#{'-' if mark.left else ''}{body.replace('#}', '# }')}{'-' if mark.right else ''}#}}")
        raise ConvertError("the template ends too early", self.line(len(self.text)))

    def alone(self, mark: _Mark) -> bool:
        """Whether the action is all of its line: Jinja2 charts drop such lines unless told not to."""
        before = self.text[self.text.rfind("\n", 0, mark.start) + 1 : mark.start]
        return not before.strip()

    def tags(self, mark: _Mark, *bodies: str) -> None:
        """One or more statements in the place of one action."""
        left = "-" if mark.left else "+" if self.alone(mark) else ""
        for index, body in enumerate(bodies):
            first, last = index == 0, index == len(bodies) - 1
            self.out.append(f"{{%{left if first else ''} {body} {'-' if mark.right and last else ''}%}}")

    # statements

    def file(self, definitions: dict[str, Definition]) -> str:
        self.definitions = definitions
        body = definitions[self.name].body
        names = _Names("ctx", {"$": "ctx"})
        defined = self.top_level(definitions)
        self.assigned = set(assigned_names(body))
        if self.assigned:
            self.out.append("{%+ set ns = namespace() %}")
        for item in _in_order(body, defined):
            if isinstance(item, tuple):
                self.define(*item)
            else:
                self.statement(item, names)
        self.rest()
        return "".join(self.out)

    def rest(self) -> None:
        try:
            self.next_mark()
        except ConvertError:
            self.out.append(_text(self.text[self.position :]))
        else:
            raise ConvertError("more actions than the parser saw", self.line(self.position))

    def top_level(self, definitions: dict[str, Definition]) -> list[tuple[int, str]]:
        """Where each define stands."""
        found: list[tuple[int, str]] = []
        tokens = [token for token in scan(self.text) if token.kind != "space"]
        for index, token in enumerate(tokens):
            if token.kind == "block" and tokens[index - 1].kind == "left":
                raise self.fail("block is not converted", token.position)
            if token.kind == "define" and tokens[index - 1].kind == "left":
                from pyhelm.engine.gotpl.numbers import unquote

                found.append((token.position, unquote(tokens[index + 1].text)))
        return found

    def define(self, position: int, name: str) -> None:
        outer = self.assigned
        definition = self.definitions[name]
        self.assigned = set(assigned_names(definition.body))
        spaces = ["set ns = namespace()"] if self.assigned else []
        self.tags(self.next_mark(), f"define {_string(name)}", *spaces)
        self.block(definition.body, _Names("ctx", {"$": "ctx"}))
        self.tags(self.next_mark(), "enddefine")
        self.assigned = outer

    def block(self, block: Block, names: _Names) -> None:
        for node in block.nodes:
            self.statement(node, names)

    def statement(self, node: object, names: _Names) -> None:
        if isinstance(node, Action):
            self.action(node, names)
        elif isinstance(node, TemplateCall):
            data = self.pipe(node.pipe, names) if node.pipe is not None else "none"
            self.print(self.next_mark(), f"include({_string(node.name)}, {data})")
        elif isinstance(node, Jump):
            self.tags(self.next_mark(), node.word)
        elif isinstance(node, Branch):
            getattr(self, f"write_{node.word}")(node, names.inner())
        elif not isinstance(node, Text):
            raise ConvertError(f"{type(node).__name__} is not converted", 1)

    def print(self, mark: _Mark, value: str) -> None:
        self.out.append(f"{{{{{'-' if mark.left else ''} {value} {'-' if mark.right else ''}}}}}")

    def action(self, node: Action, names: _Names) -> None:
        mark = self.next_mark()
        value = self.pipe(node.pipe, names)
        if node.pipe.declared:
            self.tags(mark, self.assignment(node.pipe, value, names))
        else:
            self.print(mark, value)

    def assignment(self, pipe: Pipe, value: str, names: _Names) -> str:
        return f"set {self.target(pipe, names)} = {value}"

    def target(self, pipe: Pipe, names: _Names, index: int = 0) -> str:
        name = pipe.declared[index].names[0]
        if pipe.assigns:
            if name not in names.variables:
                raise self.fail(f"undefined variable {name}", pipe.position)
            return names.variables[name]
        names.variables[name] = self.fresh(name)
        return names.variables[name]

    def fresh(self, variable: str) -> str:
        plain = variable[1:] or "root"
        known = signatures()
        count, name = 1, plain
        while name in self.used or name in known or name in _RESERVED or name in KEYWORDS or not name.isidentifier():
            count += 1
            name = f"{plain if plain.isidentifier() else 'v'}_{count}"
        self.used.add(name)
        return f"ns.{name}" if variable in self.assigned else name

    def write_if(self, node: Branch, names: _Names) -> None:
        mark = self.next_mark()
        test = self.pipe(node.pipe, names)
        if node.pipe.declared:
            set_it = self.assignment(node.pipe, test, names)
            self.tags(mark, set_it, f"if {names.variables[node.pipe.declared[0].names[0]]}")
        else:
            self.tags(mark, f"if {test}")
        self.branches(node, names, names)

    def branches(self, node: Branch, names: _Names, outer: _Names) -> None:
        """The rest of an if or with: body, else, end. `else if` opens a block of its own inside the else."""
        self.block(node.body, names.inner())
        opened = 1
        current, scope = node, outer.inner()
        while current.otherwise is not None:
            mark = self.next_mark()
            nested = self.chained(current.otherwise, mark)
            if nested is None:
                self.tags(mark, "else")
                self.block(current.otherwise, scope)
                break
            scope = scope.inner()
            opened += 1
            body = self.open_nested(mark, nested, scope)
            self.block(nested.body, body)
            current = nested
        self.tags(self.next_mark(), *["endif"] * opened)

    def chained(self, otherwise: Block, mark: _Mark) -> Branch | None:
        words = self.text[mark.start : mark.end].strip("{}- \n\t\r").split()
        if len(words) > 1 and len(otherwise.nodes) == 1 and isinstance(otherwise.nodes[0], Branch):
            return otherwise.nodes[0]
        return None

    def open_nested(self, mark: _Mark, node: Branch, names: _Names) -> _Names:
        value = self.pipe(node.pipe, names)
        if node.word == "with":
            dot = self.fresh("$dot")
            self.tags(mark, "else", f"set {dot} = {value}", f"if {dot}")
            if node.pipe.declared:
                names.variables[node.pipe.declared[0].names[0]] = dot
            return names.inner(dot)
        if node.pipe.declared:
            set_it = self.assignment(node.pipe, value, names)
            self.tags(mark, "else", set_it, f"if {names.variables[node.pipe.declared[0].names[0]]}")
        else:
            self.tags(mark, "else", f"if {value}")
        return names.inner()

    def write_with(self, node: Branch, names: _Names) -> None:
        mark = self.next_mark()
        outer = names.inner()
        value = self.pipe(node.pipe, names)
        dot = self.fresh("$dot")
        parts = [f"set {dot} = {value}", f"if {dot}"]
        if node.pipe.declared:
            parts.insert(1, self.assignment(node.pipe, dot, names))
        self.tags(mark, *parts)
        self.branches(node, names.inner(dot), outer)

    def write_range(self, node: Branch, names: _Names) -> None:
        mark = self.next_mark()
        outer = names.inner()
        value = self.pipe(node.pipe, names)
        dot = self.fresh("$item")
        declared = [variable.names[0] for variable in node.pipe.declared]
        index = self.fresh("$index") if len(declared) > 1 else ""
        walk = f"{_grouped(value)} | {'pairs' if index else 'elements'}"
        parts = [f"for {index + ', ' if index else ''}{dot} in {walk}"]
        for place, source in enumerate([index, dot] if index else [dot] if declared else []):
            if node.pipe.assigns or declared[place] in self.assigned:
                parts.append(f"set {self.target(node.pipe, names, place)} = {source}")
            else:
                names.variables[declared[place]] = source
        self.tags(mark, *parts)
        self.block(node.body, names.inner(dot))
        if node.otherwise is not None:
            self.tags(self.next_mark(), "else")
            self.block(node.otherwise, outer)
        self.tags(self.next_mark(), "endfor")

    # expressions

    def pipe(self, pipe: Pipe, names: _Names) -> str:
        value = ""
        for index, command in enumerate(pipe.commands):
            value = self.command(command, names, value if index else None)
        return value

    def command(self, command: Command, names: _Names, piped: str | None) -> str:
        head, rest = command.arguments[0], command.arguments[1:]
        arguments = [self.operand(argument, names) for argument in rest]
        if isinstance(head, Function):
            return self.call(head.name, arguments, piped)
        if arguments or piped is not None:
            given = ", ".join([*arguments, *([piped] if piped is not None else [])])
            return f"{self.operand(head, names)}({given})"
        return self.operand(head, names)

    def call(self, name: str, arguments: list[str], piped: str | None) -> str:
        if name in ("and", "or"):
            operands = [*arguments, *([piped] if piped is not None else [])]
            return "(" + f" {name} ".join(map(_grouped, operands)) + ")"
        if name == "not":
            return f"(not {_grouped(piped if piped is not None else arguments[0])})"
        if piped is None:
            return f"{name}({', '.join(arguments)})"
        if name in _SEQUENCE_FILTERS:
            return f"{name}({', '.join([*arguments, piped])})"
        return f"{_grouped(piped)} | {name}" + (f"({', '.join(arguments)})" if arguments else "")

    def operand(self, node: Expression, names: _Names) -> str:
        if isinstance(node, Dot):
            return names.dot
        if isinstance(node, Nil):
            return "none"
        if isinstance(node, Bool):
            return "true" if node.value else "false"
        if isinstance(node, String):
            return _string(node.value)
        if isinstance(node, Number):
            return self.number(node)
        if isinstance(node, Field):
            return self.fields(names.dot, node.names)
        if isinstance(node, Variable):
            return self.fields(self.variable(node, names), node.names[1:])
        if isinstance(node, Function):
            return self.call(node.name, [], None)
        if isinstance(node, Chain):
            return self.fields(f"({self.operand(node.operand, names)})", node.names)
        return self.parenthesized(node, names)

    def parenthesized(self, node: Pipe, names: _Names) -> str:
        if node.declared:
            raise self.fail("a declaration inside parentheses is not converted", node.position)
        return _grouped(self.pipe(node, names))

    def variable(self, node: Variable, names: _Names) -> str:
        found = names.variables.get(node.names[0])
        if found is None:
            # Go finds that out when it comes there, which may be never.
            return f"fail({_string(f'undefined variable: {node.names[0]}')})"
        return found

    def fields(self, value: str, names: list[str]) -> str:
        return ".".join([value, *names])

    def number(self, node: Number) -> str:
        if node.imaginary is not None:
            raise self.fail("complex constants are not converted", node.position)
        text = repr(node.real) if node.is_real else str(node.integer)
        return f"({text})" if text.startswith("-") else text


def _grouped(value: str) -> str:
    """In parentheses unless it binds tightly already."""
    return value if re.fullmatch(r"[\w.]+|\"(?:[^\"\\]|\\.)*\"|\([^()]*\)|[\w.]+\([^()|]*\)", value) else f"({value})"


def _in_order(body: Block, defined: list[tuple[int, str]]) -> Iterator[object]:
    """The statements of a file and its defines, as they stand in the source."""
    waiting = list(defined)
    for node in body.nodes:
        while waiting and not isinstance(node, Text) and waiting[0][0] < _start(node):
            yield waiting.pop(0)
        yield node
    yield from waiting


def _start(node: object) -> int:
    return getattr(node, "position", 0)


def convert_template(text: str, name: str) -> str:
    """A Go template (`name` is its file) as Jinja2 source. Raises ConvertError."""
    try:
        definitions = parse(name, text, signatures())
    except ParseError as error:
        raise ConvertError(error.message, error.line) from None
    return _Writer(name, text).file(definitions)


def convert_chart(files: Iterable[ChartFile]) -> tuple[list[ChartFile], list[str]]:
    """The files of a chart (and of the charts unpacked below charts/) converted, and what could not be, a line each.

    A chart with a template that cannot be converted keeps its templates and stays a Go-template chart; the others
    say `engine: jinja2`.
    """
    listed = list(files)
    roots = sorted({_chart_of(file.name) for file in listed})
    done: dict[str, bytes] = {}
    complaints: list[str] = []
    for root in roots:
        found, wrong = _convert_one(root, [file for file in listed if _chart_of(file.name) == root])
        complaints += wrong
        if not wrong:
            done.update(found)
    return [ChartFile(f.name, done.get(f.name, f.data), f.modtime) for f in listed], complaints


def _convert_one(root: str, files: list[ChartFile]) -> tuple[dict[str, bytes], list[str]]:
    done: dict[str, bytes] = {}
    wrong: list[str] = []
    for file in files:
        inner = file.name[len(root) :]
        if inner == "Chart.yaml":
            done[file.name] = _chart_yaml(file.data.decode("utf-8", "surrogateescape"))
        elif inner.startswith("templates/"):
            try:
                text = convert_template(file.data.decode("utf-8", "surrogateescape"), file.name)
                done[file.name] = text.encode("utf-8", "surrogateescape")
            except ConvertError as error:
                wrong.append(f"{file.name}:{error.line}: {error}")
    return done, wrong


def _chart_of(path: str) -> str:
    """The folder of the chart a file belongs to: "" or `charts/sub/…`."""
    parts = path.split("/")
    root = 0
    while root + 2 < len(parts) and parts[root] == "charts":
        root += 2
    return "".join(part + "/" for part in parts[:root])


def _chart_yaml(text: str) -> bytes:
    text = re.sub(r"(?m)^engine:.*\n?", "", text).rstrip("\n") + "\n"
    if re.search(r"(?m)^annotations:[ \t]*$", text):
        text = re.sub(r"(?m)^(annotations:)[ \t]*$", "annotations:\n  pyhelm.dev/semantics: go", text)
    elif re.search(r"(?m)^annotations:", text):
        raise ConvertError("annotations written on one line", 1)
    else:
        text += "annotations:\n  pyhelm.dev/semantics: go\n"
    return (text + "engine: jinja2\n").encode("utf-8", "surrogateescape")
