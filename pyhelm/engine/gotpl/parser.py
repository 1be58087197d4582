"""From tokens to parse trees, with Go's grammar, Go's complaints and the line Go reports.

Recursive descent over the list of tokens; the one state besides the position is which variables are declared.
Whether a word is a function is all this module asks of the outside.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from pyhelm.engine.gotpl.lexer import Token, scan
from pyhelm.engine.gotpl.numbers import ConstantError, number, unquote
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
    Statement,
    String,
    TemplateCall,
    Text,
    Variable,
    go_quote,
    is_empty,
)

__all__ = ["ParseError", "parse"]

_OPERANDS = frozenset(
    {"bool", "char", "complex", "dot", "field", "identifier", "number", "nil", "raw", "string", "variable", "("}
)
_LITERALS = (Bool, String, Number, Nil, Dot)
_MAX_PARENTHESES = 150
"""Go allows more; Python's own compiler would refuse what comes of it."""
_MAX_NESTING = 90
_MAX_CHAIN = 300


class ParseError(Exception):
    """A text that is no template: `line` as Go reports it, `position` where the token in question starts."""

    def __init__(self, message: str, line: int, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.position = position


class _End:
    """`{{end}}` or `{{else}}`, which close a block; `position` as a node's."""

    def __init__(self, word: str, position: int) -> None:
        self.word = word
        self.position = position

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


class _Parser:
    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        self.name = name
        self.functions = functions
        self.tokens = scan(text)
        self.index = 0
        self.furthest = 0
        self.variables: list[str] = ["$"]
        self.loops = 0
        self.parentheses = 0
        self.nesting = 0
        self.chain = 0
        self.action_line = 0
        self.definitions: dict[str, Definition] = {}

    # tokens

    def next(self) -> Token:
        token = self.tokens[min(self.index, len(self.tokens) - 1)]
        self.furthest = max(self.furthest, self.index)
        self.index += 1
        return token

    def backup(self) -> None:
        self.index -= 1

    def peek(self) -> Token:
        token = self.next()
        self.index -= 1
        return token

    def next_word(self) -> Token:
        token = self.next()
        while token.kind == "space":
            token = self.next()
        return token

    def peek_word(self) -> Token:
        token = self.next_word()
        self.index -= 1
        return token

    def fail(self, message: str) -> ParseError:
        token = self.tokens[min(self.furthest, len(self.tokens) - 1)]
        return ParseError(message, token.line, token.position)

    def unexpected(self, token: Token, context: str) -> ParseError:
        if token.kind != "error":
            return self.fail(f"unexpected {token} in {context}")
        extra = ""
        if self.action_line and self.action_line != token.line:
            extra = f" in action started at {self.name}:{self.action_line}"
            if token.text.endswith(" action"):
                extra = extra[len(" in action") :]
        return self.fail(f"{token}{extra}")

    def expect(self, kinds: tuple[str, ...], context: str) -> Token:
        token = self.next_word()
        if token.kind not in kinds:
            raise self.unexpected(token, context)
        return token

    def unquoted(self, token: Token) -> str:
        try:
            return unquote(token.text)
        except ConstantError as error:
            raise self.fail(str(error)) from None

    # blocks

    def file(self) -> None:
        nodes: list[Statement] = []
        while self.peek().kind != "eof":
            if self.peek().kind == "left":
                start = self.index
                self.next()
                if self.next_word().kind == "define":
                    self.definition()
                    continue
                self.index = start
            node = self.text_or_action()
            if isinstance(node, _End):
                raise self.fail(f"unexpected {node}")
            nodes.append(node)
        self.add(Definition(self.name, Block(nodes)))

    def add(self, definition: Definition) -> None:
        known = self.definitions.get(definition.name)
        if known is None or is_empty(known.body):
            self.definitions.pop(definition.name, None)
            self.definitions[definition.name] = definition
        elif not is_empty(definition.body):
            raise self.fail(f"template: multiple definition of template {go_quote(definition.name)}")

    def definition(self) -> None:
        context = "define clause"
        name = self.unquoted(self.expect(("string", "raw"), context))
        self.expect(("right",), context)
        self.named(name, context)

    def named(self, name: str, context: str) -> None:
        """The body of a define or block: a template of its own, that sees no variable of its surroundings."""
        outer = self.variables, self.loops, self.action_line
        self.variables, self.loops, self.action_line = ["$"], 0, 0
        body, end = self.block()
        if end.word != "end":
            raise self.fail(f"unexpected {end} in {context}")
        self.variables, self.loops, self.action_line = outer
        self.add(Definition(name, body))

    def block(self) -> tuple[Block, _End]:
        self.nesting += 1
        if self.nesting > _MAX_NESTING:
            raise self.fail(f"blocks are nested deeper than {_MAX_NESTING} levels")
        nodes: list[Statement] = []
        while self.peek_word().kind != "eof":
            node = self.text_or_action()
            if isinstance(node, _End):
                self.nesting -= 1
                return Block(nodes), node
            nodes.append(node)
        raise self.fail("unexpected EOF")

    def text_or_action(self) -> Statement | _End:
        token = self.next_word()
        if token.kind == "text":
            return Text(token.position, token.text)
        if token.kind != "left":
            raise self.unexpected(token, "input")
        self.action_line = token.line
        node = self.action()
        self.action_line = 0
        return node

    def action(self) -> Statement | _End:
        token = self.next_word()
        handler = _CONTROLS.get(token.kind)
        if handler is not None:
            return handler(self, token)
        self.backup()
        return Action(self.peek().position, self.pipeline("command", "right"))

    def end_control(self, token: Token) -> _End:
        return _End("end", self.expect(("right",), "end").position)

    def else_control(self, token: Token) -> _End:
        following = self.peek_word()
        if following.kind in ("if", "with"):
            return _End("else", following.position)
        return _End("else", self.expect(("right",), "else").position)

    def jump(self, token: Token) -> Jump:
        word = f"{{{{{token.text}}}}}"
        following = self.next_word()
        if following.kind != "right":
            raise self.unexpected(following, word)
        if not self.loops:
            raise self.fail(f"{word} outside {{{{range}}}}")
        return Jump(token.position, token.text)

    def branch(self, token: Token) -> Branch:
        return self.control(token.kind)

    def control(self, word: str) -> Branch:
        known = len(self.variables)
        pipe = self.pipeline(word, "right")
        self.loops += word == "range"
        body, end = self.block()
        self.loops -= word == "range"
        otherwise = self.alternative(word, end) if end.word == "else" else None
        del self.variables[known:]
        return Branch(pipe.position, word, pipe, body, otherwise)

    def alternative(self, word: str, end: _End) -> Block:
        if word in ("if", "with") and self.peek().kind == word:
            self.next()
            self.chain += 1
            if self.chain > _MAX_CHAIN:
                raise self.fail(f"chains of else are longer than {_MAX_CHAIN}")
            nested = self.control(word)
            self.chain -= 1
            return Block([nested])
        block, end = self.block()
        if end.word != "end":
            raise self.fail(f"expected end; found {end}")
        return block

    def template_name(self, context: str) -> tuple[int, str]:
        token = self.next_word()
        if token.kind not in ("string", "raw"):
            raise self.unexpected(token, context)
        return token.position, self.unquoted(token)

    def block_control(self, token: Token) -> TemplateCall:
        position, name = self.template_name("block clause")
        pipe = self.pipeline("block clause", "right")
        self.named(name, "block clause")
        return TemplateCall(position, name, pipe)

    def template_control(self, token: Token) -> TemplateCall:
        position, name = self.template_name("template clause")
        pipe = None
        if self.next_word().kind != "right":
            self.backup()
            pipe = self.pipeline("template clause", "right")
        return TemplateCall(position, name, pipe)

    # pipelines

    def pipeline(self, context: str, end: str) -> Pipe:
        pipe = Pipe(self.peek_word().position)
        self.declarations(pipe, context)
        while True:
            token = self.next_word()
            if token.kind == end:
                self.check(pipe, context)
                return pipe
            if token.kind not in _OPERANDS:
                raise self.unexpected(token, context)
            self.backup()
            if len(pipe.commands) + self.parentheses > _MAX_PARENTHESES:
                raise self.fail("max expression depth exceeded")
            pipe.commands.append(self.command())

    def declarations(self, pipe: Pipe, context: str) -> None:
        while self.peek_word().kind == "variable":
            start = self.index
            token = self.next_word()
            following = self.next_word()
            if following.kind in ("assign", "declare"):
                pipe.assigns = following.kind == "assign"
                self.declare(pipe, token)
                return
            if following.kind != "printable" or following.text != ",":
                self.index = start
                return
            self.declare(pipe, token)
            if context != "range" or len(pipe.declared) >= 2:
                raise self.fail(f"too many declarations in {context}")
            if self.peek_word().kind not in ("variable", "right", ")"):
                raise self.fail("range can only initialize variables")

    def declare(self, pipe: Pipe, token: Token) -> None:
        pipe.declared.append(Variable(token.position, [token.text]))
        self.variables.append(token.text)

    def check(self, pipe: Pipe, context: str) -> None:
        if not pipe.commands:
            raise self.fail(f"missing value for {context}")
        for stage, command in enumerate(pipe.commands[1:], 2):
            if isinstance(command.arguments[0], _LITERALS):
                raise self.fail(f"non executable command in pipeline stage {stage}")

    def command(self) -> Command:
        command = Command(self.peek_word().position, [])
        while True:
            self.peek_word()
            operand = self.operand()
            if operand is not None:
                command.arguments.append(operand)
            token = self.next()
            if token.kind == "space":
                continue
            if token.kind in ("right", ")"):
                self.backup()
            elif token.kind != "pipe":
                raise self.unexpected(token, "operand")
            break
        if not command.arguments:
            raise self.fail("empty command")
        return command

    def operand(self) -> Expression | None:
        node = self.term()
        if node is None or self.peek().kind != "field":
            return node
        position = self.peek().position
        names: list[str] = []
        while self.peek().kind == "field":
            names.append(self.next().text[1:])
        if isinstance(node, (Field, Variable)):
            return type(node)(position, [*node.names, *names])
        if isinstance(node, _LITERALS):
            raise self.fail(f"unexpected . after term {go_quote(str(node))}")
        return Chain(position, node, names)

    def term(self) -> Expression | None:
        token = self.next_word()
        if token.kind == "error":
            raise self.unexpected(token, "command")
        handler = _TERMS.get(token.kind)
        if handler is None:
            self.backup()
            return None
        return handler(self, token)

    def function(self, token: Token) -> Function:
        if token.text not in self.functions:
            raise self.fail(f"function {go_quote(token.text)} not defined")
        return Function(token.position, token.text)

    def variable(self, token: Token) -> Variable:
        if token.text not in self.variables:
            raise self.fail(f"undefined variable {go_quote(token.text)}")
        return Variable(token.position, [token.text])

    def constant(self, token: Token) -> Expression:
        try:
            return number(token.position, token.text, token.kind)
        except ConstantError as error:
            raise self.fail(str(error)) from None

    def string(self, token: Token) -> String:
        return String(token.position, token.text, self.unquoted(token))

    def parenthesized(self, token: Token) -> Pipe:
        self.parentheses += 1
        if self.parentheses > _MAX_PARENTHESES:
            raise self.fail("max expression depth exceeded")
        pipe = self.pipeline("parenthesized pipeline", ")")
        self.parentheses -= 1
        return pipe


_CONTROLS: dict[str, Callable[[_Parser, Token], Statement | _End]] = {
    "block": _Parser.block_control,
    "break": _Parser.jump,
    "continue": _Parser.jump,
    "else": _Parser.else_control,
    "end": _Parser.end_control,
    "if": _Parser.branch,
    "range": _Parser.branch,
    "with": _Parser.branch,
    "template": _Parser.template_control,
}
_TERMS: dict[str, Callable[[_Parser, Token], Expression]] = {
    "identifier": _Parser.function,
    "dot": lambda parser, token: Dot(token.position),
    "nil": lambda parser, token: Nil(token.position),
    "bool": lambda parser, token: Bool(token.position, token.text == "true"),
    "field": lambda parser, token: Field(token.position, [token.text[1:]]),
    "variable": _Parser.variable,
    "char": _Parser.constant,
    "complex": _Parser.constant,
    "number": _Parser.constant,
    "(": _Parser.parenthesized,
    "string": _Parser.string,
    "raw": _Parser.string,
}


def parse(name: str, text: str, functions: Container[str]) -> dict[str, Definition]:
    """The named templates of a file, the file itself (as `name`) last. Raises ParseError."""
    parser = _Parser(name, text, functions)
    parser.file()
    return parser.definitions
