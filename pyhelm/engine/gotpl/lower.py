"""Go parse trees lowered to Jinja2's syntax tree.

The outcome is built from Jinja2's own node classes with a few words of its own: `d0`, `d1` … are the dots, `v1`,
`v2` … the variables (every declaration gets a name, so that Go's scopes need no run-time stack); `template_`,
`declare_` and `fail_` are calls that the code generator knows. A node that can fail carries `site`.

What can be known about a call from its signature is settled here: the number of arguments, literals of a kind the
parameter does not take, constants converted to the parameter's type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyhelm.engine.gotpl.sites import Site, last_evaluated
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
    Node,
    Number,
    Pipe,
    String,
    TemplateCall,
    Text,
    Variable,
)
from pyhelm.engine.gotpl.tree import Expr, Tree, nodes

__all__ = ["GoInteger", "Signature", "assigned_names", "lower"]


class GoInteger(int):
    """A constant of Go's type int, as opposed to a plain one, which is int64."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameter types, whether the last repeats, and the type of the result, as Go prints them."""

    parameters: tuple[str, ...]
    variadic: bool
    result: str

    @classmethod
    def read(cls, text: str) -> Signature:
        """From `"string,int,...any->string"`."""
        parameters, _, result = text.partition("->")
        names = tuple(filter(None, parameters.split(",")))
        variadic = bool(names) and names[-1].startswith("...")
        if variadic:
            names = (*names[:-1], names[-1][3:])
        return cls(names, variadic, result)

    def parameter(self, index: int) -> str:
        return self.parameters[min(index, len(self.parameters) - 1)] if self.parameters else "any"

    def complaint(self, name: str, given: int) -> str:
        """Go's words when `given` arguments are too few or too many; empty when they are right."""
        fixed = len(self.parameters) - self.variadic
        if self.variadic and given < fixed:
            return f"wrong number of args for {name}: want at least {fixed} got {given}"
        if not self.variadic and given != fixed:
            return f"wrong number of args for {name}: want {fixed} got {given}"
        return ""


@dataclass(slots=True)
class _Dot:
    """The Python name of the dot, and whether nil there is a nil interface (an element) or no value at all."""

    name: str
    element: bool = False


@dataclass(slots=True)
class _Scope:
    dot: _Dot
    variables: dict[str, _Dot] = field(default_factory=dict)

    def inner(self, dot: _Dot | None = None) -> _Scope:
        return _Scope(dot or self.dot, dict(self.variables))


_NILLABLE = ("any", "map[", "[]", "interface", "*", "func", "error", "reflect.Value")
_IMPURE = frozenset({
    "set", "unset", "merge", "mustMerge", "mergeOverwrite", "mustMergeOverwrite",
    "include", "tpl", "fail", "required", "lookup", "call",
})  # fmt: skip
"""Functions whose order of evaluation can be told."""


class _Lowering:
    def __init__(self, signatures: Mapping[str, Signature]) -> None:
        self.signatures = signatures
        self.count = 0
        self.strict_dot = False

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    # statements

    def definition(self, definition: Definition) -> Tree:
        dot = _Dot("d0")
        scope = _Scope(dot, {"$": dot})
        body: list[Tree] = []
        if "$" in set(assigned_names(definition.body)):
            scope.variables["$"] = _Dot(self.fresh("v"))
            body.append(_assign(scope.variables["$"].name, _name("d0")))
        body += self.block(definition.body, scope)
        return nodes.Macro(definition.name, [nodes.Name("d0", "param")], [], body)

    def block(self, block: Block, scope: _Scope) -> list[Tree]:
        body: list[Tree] = []
        for node in block.nodes:
            for lowered in self.statement(node, scope):
                if isinstance(lowered, nodes.Output) and body and isinstance(body[-1], nodes.Output):
                    body[-1].nodes.extend(lowered.nodes)
                else:
                    body.append(lowered)
        return body

    def statement(self, node: Any, scope: _Scope) -> list[Tree]:
        if isinstance(node, Text):
            return [nodes.Output([nodes.TemplateData(node.text)])]
        if isinstance(node, Action):
            return self.action(node, scope)
        if isinstance(node, TemplateCall):
            return self.template(node, scope)
        if isinstance(node, Jump):
            return [nodes.Break() if node.word == "break" else nodes.Continue()]
        lowered = {"if": self.condition, "with": self.context, "range": self.loop}[node.word](node, scope.inner())
        return lowered

    def action(self, node: Action, scope: _Scope) -> list[Tree]:
        value = self.pipeline(node.pipe, scope)
        if node.pipe.declared:
            return self.declare(node.pipe, value, scope)
        return [nodes.Output([value])]

    def declare(self, pipe: Pipe, value: Expr, scope: _Scope) -> list[Tree]:
        """`$x := value` or `$x = value` as statements."""
        [variable] = pipe.declared
        target = self.target(variable.names[0], pipe.assigns, scope)
        if target is None:
            return [_statement(value), _statement(_failure(f"undefined variable: {variable}", pipe))]
        return [_assign(target, value)]

    def target(self, name: str, assigns: bool, scope: _Scope) -> str | None:
        if assigns:
            known = scope.variables.get(name)
            return known.name if known is not None else None
        scope.variables[name] = _Dot(self.fresh("v"))
        return scope.variables[name].name

    def template(self, node: TemplateCall, scope: _Scope) -> list[Tree]:
        data = nodes.Const(None) if node.pipe is None else self.pipeline(node.pipe, scope)
        before = []
        if node.pipe is not None and node.pipe.declared:
            before = self.declare(node.pipe, data, scope)
            data = _name(scope.variables[node.pipe.declared[0].names[0]].name)
        call = _call("template_", [nodes.Const(node.name), data])
        call.site = Site(node, name=node.name)
        return [*before, _statement(call)]

    def condition(self, node: Branch, scope: _Scope) -> list[Tree]:
        before: list[Tree] = []
        test = self.pipeline(node.pipe, scope)
        if node.pipe.declared:
            before = self.declare(node.pipe, test, scope)
            test = _name(scope.variables[node.pipe.declared[0].names[0]].name)
        body = self.block(node.body, scope.inner())
        otherwise = self.block(node.otherwise, scope.inner()) if node.otherwise is not None else []
        if len(otherwise) == 1 and isinstance(otherwise[0], nodes.If):
            nested = otherwise[0]
            branch = nodes.If(nested.test, nested.body, [], [])
            return [*before, nodes.If(test, body, [branch, *nested.elif_], nested.else_)]
        return [*before, nodes.If(test, body, [], otherwise)]

    def context(self, node: Branch, scope: _Scope) -> list[Tree]:
        value = self.pipeline(node.pipe, scope)
        name = self.fresh("d")
        before: list[Tree] = [_assign(name, value)]
        if node.pipe.declared:
            variable = node.pipe.declared[0].names[0]
            if node.pipe.assigns or variable in set(assigned_names(node.body)):
                before += self.declare(node.pipe, _name(name), scope)
            else:
                scope.variables[variable] = _Dot(name)
        body = self.block(node.body, scope.inner(_Dot(name)))
        otherwise = self.block(node.otherwise, scope.inner()) if node.otherwise is not None else []
        return [*before, nodes.If(_name(name), body, [], otherwise)]

    def loop(self, node: Branch, scope: _Scope) -> list[Tree]:
        outer = scope.inner()
        value = self.pipeline(node.pipe, scope)
        element = self.fresh("d")
        inner = scope.inner(_Dot(element, element=True))
        declared = [variable.names[0] for variable in node.pipe.declared]
        index = self.fresh("i") if len(declared) > 1 else ""
        before = self.loop_variables(node, declared, index, element, inner)
        body = [*before, *self.block(node.body, inner)]
        target: Expr = nodes.Name(element, "store")
        if index:
            target = nodes.Tuple([nodes.Name(index, "store"), target], "store")
        otherwise = self.block(node.otherwise, outer) if node.otherwise is not None else []
        loop = nodes.For(target, value, body, otherwise, None, False)
        loop.site = Site(last_evaluated(node.pipe), name="range")
        return [loop]

    def loop_variables(
        self, node: Branch, declared: list[str], index: str, element: str, scope: _Scope
    ) -> list[Tree]:
        """Bind the variables of a range: to the loop's own names, or, where the body assigns them, to others."""
        before: list[Tree] = []
        changed = set(assigned_names(node.body)) if not node.pipe.assigns else set()
        for variable, source in zip(declared, [index, element] if index else [element]):
            if not node.pipe.assigns and variable not in changed:
                scope.variables[variable] = _Dot(source, element=source == element)
                continue
            target = self.target(variable, node.pipe.assigns, scope)
            if target is None:
                before.append(_statement(_failure(f"undefined variable: {variable}", node.pipe)))
            else:
                scope.variables[variable].element = True
                before.append(_assign(target, _name(source)))
        return before

    # expressions

    def pipeline(self, pipe: Pipe, scope: _Scope) -> Expr:
        value: Expr | None = None
        for command in pipe.commands:
            value = self.command(command, scope, value)
        return value

    def parenthesized(self, pipe: Pipe, scope: _Scope) -> Expr:
        value = self.pipeline(pipe, scope)
        for variable in pipe.declared:
            target = self.target(variable.names[0], pipe.assigns, scope)
            if target is None:
                return _failure(f"undefined variable: {variable}", pipe)
            value = _call("declare_", [nodes.Name(target, "store"), value])
        return value

    def command(self, command: Command, scope: _Scope, final: Expr | None) -> Expr:
        head, rest = command.arguments[0], command.arguments[1:]
        if isinstance(head, Function):
            return self.call(head, command, rest, scope, final)
        if isinstance(head, (Field, Chain, Variable)) and (rest or final is not None):
            return self.method(head, rest, scope, final)
        if rest or final is not None:
            return _failure(f"can't give argument to non-function {head}", head)
        if isinstance(head, Nil):
            return _failure("nil is not a command", head)
        return self.operand(head, scope)

    def operand(self, node: Expression, scope: _Scope) -> Expr:
        """A value where nothing is known of the type wanted."""
        if isinstance(node, Dot):
            return _name(scope.dot.name)
        if isinstance(node, Field):
            return self.chain(_name(scope.dot.name), node.names, node, node, scope.dot.element)
        if isinstance(node, Variable):
            return self.variable(node, scope)
        if isinstance(node, Pipe):
            return self.parenthesized(node, scope)
        if isinstance(node, Function):
            return self.call(node, node, [], scope, None)
        if isinstance(node, Chain):
            return self.operand_chain(node, scope)
        return _constant(node)

    def variable(self, node: Variable, scope: _Scope) -> Expr:
        known = scope.variables.get(node.names[0])
        if known is None:
            return _failure(f"undefined variable: {node.names[0]}", node)
        return self.chain(_name(known.name), node.names[1:], node, node, known.element)

    def operand_chain(self, node: Chain, scope: _Scope) -> Expr:
        if isinstance(node.operand, Nil):
            return _failure(f"indirection through explicit nil in {node}", node)
        return self.chain(self.operand(node.operand, scope), node.names, node, last_evaluated(node), False)

    def chain(
        self, value: Expr, names: list[str], node: Node, at: Node, element: bool
    ) -> Expr:
        if not names:
            return value
        for name in names:
            value = nodes.Getattr(value, name, "load")
        value.site = Site(at)
        value.element = element
        return value

    def method(
        self, head: Field | Chain | Variable, rest: list[Expression], scope: _Scope, final: Expr | None
    ) -> Expr:
        """`.Files.Get "x"`: a field with arguments."""
        receiver, last = self.receiver(head, scope)
        if receiver is None:
            return _failure(f"can't give argument to non-function {head}", head)
        arguments = [self.argument(node, "any", scope) for node in rest]
        call = nodes.Call(nodes.Getattr(receiver, last, "load"), _with(arguments, final), [], None, None)
        call.site = Site(last_evaluated(head), name=last, head=head, arguments=rest)
        call.element = isinstance(receiver, nodes.Getattr)
        return call

    def receiver(self, head: Field | Chain | Variable, scope: _Scope) -> tuple[Expr | None, str]:
        names = head.names
        if isinstance(head, Chain):
            inner = self.operand(head.operand, scope)
            return self.chain(inner, names[:-1], head, last_evaluated(head), False), names[-1]
        if isinstance(head, Field):
            return self.chain(_name(scope.dot.name), names[:-1], head, head, scope.dot.element), names[-1]
        if len(names) == 1:
            return None, ""
        known = scope.variables.get(names[0])
        if known is None:
            return _failure(f"undefined variable: {names[0]}", head), names[-1]
        return self.chain(_name(known.name), names[1:-1], head, head, known.element), names[-1]

    def call(
        self, head: Function, at: Node, rest: list[Expression], scope: _Scope, final: Expr | None
    ) -> Expr:
        name = head.name
        signature = self.signatures.get(name)
        given = len(rest) + (final is not None)
        if signature is None:
            signature = Signature(("any",), True, "any")
        complaint = signature.complaint(name, given)
        if complaint:
            failure = _failure(complaint, head)
            failure.args += [final] if final is not None else []
            return failure
        arguments = [self.argument(node, signature.parameter(i), scope) for i, node in enumerate(rest)]
        if name in ("and", "or"):
            return _junction(name, _with(arguments, final))
        if name == "not":
            return nodes.Not(_with(arguments, final)[0])
        loose = {i for i, node in enumerate(rest) if not self.from_field(node, scope)} | {len(rest)}
        if final is not None and _impure(final) and any(map(_impure, arguments)):
            return self.in_order(name, head, at, rest, arguments, final, loose, signature)
        call = _call(name, _with(arguments, final))
        call.site = Site(at, name, head, rest, frozenset(loose))
        call.result = signature.result
        return call

    def in_order(
        self, name: str, head: Node, at: Node, rest: list[Expression], arguments: list[Expr],
        final: Expr, loose: set[int], signature: Signature,
    ) -> Expr:
        """Go evaluates the piped value first: bind it before the other arguments where that can be told."""
        temporary = self.fresh("p")
        call = _call(name, [*arguments, _name(temporary)])
        call.site = Site(at, name, head, rest, frozenset(loose))
        first = _call("declare_", [nodes.Name(temporary, "store"), final])
        return nodes.Getitem(nodes.Tuple([first, call], "load"), nodes.Const(1), "load")

    def present(self, value: Expr, wanted: str, node: Expression) -> Expr:
        """A value out of a map where a map or list is wanted: a nil interface is refused there."""
        message = f"wrong type for value; expected {wanted}; got interface {{}}"
        return _call("present_", [nodes.Name(self.fresh("p"), "store"), value, _failure(message, last_evaluated(node))])

    def from_field(self, node: Expression, scope: _Scope) -> bool:
        """Whether a nil there comes straight out of a map or list."""
        if isinstance(node, Dot):
            return scope.dot.element
        if isinstance(node, Variable) and len(node.names) == 1:
            known = scope.variables.get(node.names[0])
            return known is not None and known.element
        return isinstance(node, (Field, Variable, Chain))

    def argument(self, node: Expression, wanted: str, scope: _Scope) -> Expr:
        if isinstance(node, (Dot, Field, Variable, Pipe, Function, Chain)):
            value = self.operand(node, scope)
            if wanted.startswith(("map[", "[]")) and self.from_field(node, scope):
                return self.present(value, wanted, node)
            return value
        if isinstance(node, Nil):
            if wanted.startswith(_NILLABLE):
                return nodes.Const(None)
            return _failure(f"cannot assign nil to {wanted}", node)
        return _literal(node, wanted)


def _literal(node: Bool | String | Number, wanted: str) -> Expr:
    """A constant as an argument of the type `wanted`."""
    if wanted == "any" or wanted.startswith(("interface", "reflect.Value")):
        return _constant(node)
    if wanted == "string":
        return _constant(node) if isinstance(node, String) else _expected("string", node)
    if wanted == "bool":
        return _constant(node) if isinstance(node, Bool) else _expected("bool", node)
    if wanted.startswith("uint"):
        natural = node.unsigned if isinstance(node, Number) else None
        return nodes.Const(natural) if natural is not None else _expected("unsigned integer", node)
    if wanted.startswith(("int", "time.Duration")):
        whole = node.integer if isinstance(node, Number) else None
        if whole is None:
            return _expected("integer", node)
        return nodes.Const(GoInteger(whole) if wanted == "int" else whole)
    if wanted.startswith("float"):
        real = node.real if isinstance(node, Number) else None
        return nodes.Const(real) if real is not None else _expected("float", node)
    return _failure(f"can't handle {node} for arg of type {wanted}", node)


def _expected(kind: str, node: Node) -> Expr:
    return _failure(f"expected {kind}; found {node}", node)


def _constant(node: Any) -> Expr:
    if isinstance(node, Number):
        if node.imaginary is not None:
            return nodes.Const(node.imaginary)
        if node.is_real:
            return nodes.Const(node.real)
        if node.integer is None:
            return _failure(f"{node.text} overflows int", node)
        return nodes.Const(GoInteger(node.integer))
    return nodes.Const(None if isinstance(node, Nil) else node.value)


def _junction(word: str, operands: list[Expr]) -> Expr:
    value = operands[-1]
    for operand in reversed(operands[:-1]):
        value = nodes.And(operand, value) if word == "and" else nodes.Or(operand, value)
    return value


def _with(arguments: list[Expr], final: Expr | None) -> list[Expr]:
    return arguments if final is None else [*arguments, final]


def _impure(value: Expr) -> bool:
    """Whether evaluating it can be told from outside: it changes a map, or runs another template."""
    calls = [value, *value.find_all(nodes.Call)] if isinstance(value, nodes.Call) else value.find_all(nodes.Call)
    return any(isinstance(call.node, nodes.Name) and call.node.name in _IMPURE for call in calls)


def _name(name: str) -> Expr:
    return nodes.Name(name, "load")


def _assign(name: str, value: Expr) -> Tree:
    return nodes.Assign(nodes.Name(name, "store"), value)


def _call(name: str, arguments: list[Expr]) -> Expr:
    return nodes.Call(nodes.Name(name, "load"), arguments, [], None, None)


def _statement(value: Expr) -> Tree:
    return nodes.ExprStmt(value)


def _failure(message: str, at: Node) -> Expr:
    """What fails whenever it is reached; Go finds it only then too."""
    call = _call("fail_", [nodes.Const(message)])
    call.site = Site(at)
    return call


def assigned_names(block: Block) -> Iterator[str]:
    """The variables that are assigned (not declared) anywhere below."""
    for node in block.nodes:
        if isinstance(node, (Action, Branch, TemplateCall)) and node.pipe is not None:
            yield from _assigned_in(node.pipe)
        if isinstance(node, Branch):
            yield from assigned_names(node.body)
            if node.otherwise is not None:
                yield from assigned_names(node.otherwise)


def _assigned_in(pipe: Pipe) -> Iterator[str]:
    if pipe.assigns:
        yield from (variable.names[0] for variable in pipe.declared)
    for command in pipe.commands:
        for argument in command.arguments:
            inner = argument.operand if isinstance(argument, Chain) else argument
            if isinstance(inner, Pipe):
                yield from _assigned_in(inner)


def lower(definitions: Mapping[str, Definition], signatures: Mapping[str, Signature]) -> Tree:
    """One `Macro` per named template, in the order they were defined."""
    return nodes.Template([_Lowering(signatures).definition(d) for d in definitions.values()])
