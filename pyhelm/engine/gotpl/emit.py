"""Python code out of lowered Go templates: Jinja2's code generator with Go's data access.

Every named template becomes a function `t0(d0, o)` of its data and a list that takes its text. The code it lives in
names functions as `f_NAME`, constants of Go's int as `i_5` or `i_m5`, and the words of `pyhelm.engine.runtime`; the
linker supplies exactly those. No attribute of a Python object is ever looked up by a name out of a template.

Places that can fail are recorded by line and columns of the generated source (`sites`): the interpreter knows them
for every instruction, so that an error is traced back to the template without anything done on the way.
"""

from __future__ import annotations

from types import CodeType
from typing import Any, NamedTuple

from jinja2 import Environment
from jinja2.compiler import CodeGenerator

from pyhelm.engine.gotpl.lower import GoInteger, Signature, lower
from pyhelm.engine.gotpl.parser import ParseError, parse
from pyhelm.engine.gotpl.sites import Site
from pyhelm.engine.gotpl.syntax import Definition, is_empty
from pyhelm.engine.gotpl.tree import Expr, Tree, nodes

__all__ = ["Compiled", "compile_template", "trace_sites"]

Place = tuple[int, int, int]
"""Line, first column and end column in generated source."""

_MAX_LOOPS = 18
"""Python nests no more than twenty loops in a function."""


class Compiled(NamedTuple):
    """A named template: its code, and whether it is empty (and so never replaces another)."""

    name: str
    code: CodeType
    empty: bool


class _GoCodeGenerator(CodeGenerator):
    def __init__(self, name: str) -> None:
        super().__init__(Environment(), name, name, optimized=False)
        self.column = 0
        self.loops = 0
        self.sites: dict[Place, Site] = {}

    def write(self, x: str) -> None:
        if self._new_lines:
            self.column = self._indentation * 4
        self.column += len(x)
        super().write(x)

    def body(self, statements: list[Tree]) -> None:
        self.indent()
        for statement in statements:
            self.visit(statement, None)
        if not statements:
            self.writeline("pass")
        self.outdent()

    def visit_Template(self, node: Any, frame: Any = None) -> None:
        for index, macro in enumerate(node.body):
            self.writeline(f"def t{index}(d0, o):")
            self.body(macro.body)

    # statements

    def visit_Output(self, node: Any, frame: Any) -> None:
        self.newline()
        if len(node.nodes) == 1:
            self.write("o.append(")
            self.text(node.nodes[0])
            self.write(")")
            return
        self.write("o += (")
        for child in node.nodes:
            self.text(child)
            self.write(", ")
        self.write(")")

    def text(self, node: Any) -> None:
        """`node` as text."""
        if isinstance(node, nodes.TemplateData):
            self.write(_literal(node.data))
        elif _is_text(node):
            self.visit(node, None)
        else:
            self.write("T(")
            self.visit(node, None)
            self.write(")")

    def visit_ExprStmt(self, node: Any, frame: Any) -> None:
        self.newline()
        self.visit(node.node, None)

    def visit_Assign(self, node: Any, frame: Any) -> None:
        self.newline()
        self.write(f"{node.target.name} = ")
        self.visit(node.node, None)

    def visit_If(self, node: Any, frame: Any) -> None:
        for word, branch in [("if ", node), *(("elif ", branch) for branch in node.elif_)]:
            self.newline()
            self.write(word)
            self.visit(branch.test, None)
            self.write(":")
            self.body(branch.body)
        if node.else_:
            self.writeline("else:")
            self.body(node.else_)

    def visit_For(self, node: Any, frame: Any) -> None:
        self.loops += 1
        if self.loops > _MAX_LOOPS:
            raise ParseError(f"loops are nested deeper than {_MAX_LOOPS} levels", 1, node.site.node.position)
        pairs = isinstance(node.target, nodes.Tuple)
        target = ", ".join(name.name for name in node.target.items) if pairs else node.target.name
        items = f"l{self.loops}_{self.code_lineno}"
        self.newline()
        self.write(f"{items} = ")
        self.call("P" if pairs else "R", [node.iter], node.site)
        self.writeline(f"for {target} in {items}:")
        self.body(node.body)
        self.loops -= 1
        if node.else_:
            self.writeline(f"if not {items}:")
            self.body(node.else_)

    def visit_Break(self, node: Any, frame: Any) -> None:
        self.writeline("break")

    def visit_Continue(self, node: Any, frame: Any) -> None:
        self.writeline("continue")

    # expressions

    def visit_Const(self, node: Any, frame: Any) -> None:
        value = node.value
        if isinstance(value, GoInteger):
            self.write(f"i_{value}".replace("-", "m"))
        else:
            self.write(_literal(value) if isinstance(value, str) else repr(value))

    def visit_Name(self, node: Any, frame: Any) -> None:
        self.write(node.name)

    def binary(self, node: Any, word: str) -> None:
        self.write("(")
        self.visit(node.left, None)
        self.write(word)
        self.visit(node.right, None)
        self.write(")")

    def visit_And(self, node: Any, frame: Any) -> None:
        self.binary(node, " and ")

    def visit_Or(self, node: Any, frame: Any) -> None:
        self.binary(node, " or ")

    def visit_Not(self, node: Any, frame: Any) -> None:
        self.write("(not ")
        self.visit(node.node, None)
        self.write(")")

    def visit_Tuple(self, node: Any, frame: Any) -> None:
        self.write("(")
        for item in node.items:
            self.visit(item, None)
            self.write(", ")
        self.write(")")

    def visit_Getitem(self, node: Any, frame: Any) -> None:
        self.visit(node.node, None)
        self.write(f"[{node.arg.value}]")

    def visit_Getattr(self, node: Any, frame: Any) -> None:
        """A chain of fields: `G3(d0, 'a', 'b', 'c')`; `E` instead of `G` where nil is a nil interface."""
        names = [node.attr]
        inner = node.node
        while isinstance(inner, nodes.Getattr) and not hasattr(inner, "site"):
            names.insert(0, inner.attr)
            inner = inner.node
        word = "E" if node.element else "G"
        count = str(len(names)) if len(names) <= 4 else "n"
        self.call(f"{word}{count}", [inner, *map(nodes.Const, names)], node.site)

    def visit_Call(self, node: Any, frame: Any, forward_caller: bool = False) -> None:
        if isinstance(node.node, nodes.Getattr):
            word = "N" if node.element else "M"
            self.call(word, [node.node.node, nodes.Const(node.node.attr), *node.args], node.site)
            return
        name = node.node.name
        if name == "declare_":
            self.write(f"({node.args[0].name} := ")
            self.visit(node.args[1], None)
            self.write(")")
        elif name == "present_":
            self.write(f"({node.args[0].name} if (")
            self.write(f"{node.args[0].name} := ")
            self.visit(node.args[1], None)
            self.write(") is not None else ")
            self.visit(node.args[2], None)
            self.write(")")
        elif name == "template_":
            self.call("X", [nodes.Name("o", "load"), *node.args], node.site)
        elif name == "fail_":
            self.call("F", node.args, node.site)
        else:
            self.call(f"f_{name}", node.args, node.site)

    def call(self, function: str, arguments: list[Expr], site: Site) -> None:
        start = self.column if not self._new_lines else self._indentation * 4
        self.write(f"{function}(")
        for index, argument in enumerate(arguments):
            if index:
                self.write(", ")
            self.visit(argument, None)
        self.write(")")
        self.sites[self.code_lineno, start, self.column] = site


def _literal(text: str) -> str:
    """ASCII only, so that columns in characters are columns in bytes."""
    return ascii(text)


def _is_text(node: Any) -> bool:
    if isinstance(node, nodes.Const):
        return isinstance(node.value, str)
    return isinstance(node, nodes.Call) and getattr(node, "result", "") == "string"


def _text_of(generator: _GoCodeGenerator) -> str:
    stream: Any = generator.stream
    return str(stream.getvalue())


def _generate(
    name: str, text: str, signatures: dict[str, Signature]
) -> tuple[list[Definition], str, dict[Place, Site]]:
    definitions = parse(name, text, signatures)
    generator = _GoCodeGenerator(name)
    generator.visit(lower(definitions, signatures), None)
    return list(definitions.values()), _text_of(generator), generator.sites


def compile_template(name: str, text: str, signatures: dict[str, Signature], filename: str = "") -> list[Compiled]:
    """The named templates of the file `name`. `filename` is what tracebacks call it. Raises ParseError."""
    definitions, source, _ = _generate(name, text, signatures)
    try:
        module = compile(source, filename or name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, RecursionError, MemoryError, OverflowError) as error:
        raise ParseError(f"too complex to compile: {error}", 1, 0) from None
    codes = {c.co_name: c for c in module.co_consts if isinstance(c, CodeType)}
    return [Compiled(d.name, codes[f"t{i}"], is_empty(d.body)) for i, d in enumerate(definitions)]


def trace_sites(
    name: str, text: str, signatures: dict[str, Signature]
) -> tuple[list[Definition], dict[Place, Site]]:
    """What `compile_template` found on the way and did not keep; asked for once something has failed."""
    definitions, _, sites = _generate(name, text, signatures)
    return definitions, sites
